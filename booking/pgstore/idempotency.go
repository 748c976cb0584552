package pgstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"usher/booking"
)

// Claim asks for one idempotency key.
type Claim struct{ Scope, Request [32]byte }

// Claimed is the answer: the key is the caller's, or what is stored under it.
type Claimed struct {
	Mine    bool
	Request [32]byte              // of the first request
	Answer  *booking.StoredAnswer // nil while the first request runs
}

// ClaimKeys claims keys, at most one caller each; scopes within one call are distinct. A claim lasts for the given time, then a
// crashed request's key is free again.
func (s *Store) ClaimKeys(ctx context.Context, claims []Claim, lasts time.Duration) (map[[32]byte]Claimed, error) {
	var scopes, requests [][]byte
	for _, c := range claims {
		scopes, requests = append(scopes, c.Scope[:]), append(requests, c.Request[:])
	}
	out := map[[32]byte]Claimed{}
	rows, err := s.pool.Query(ctx, query("idempotency_claim"), scopes, requests, lasts.Seconds())
	if err != nil {
		return nil, fmt.Errorf("claim idempotency keys: %w", away(err))
	}
	mine, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
	if err != nil {
		return nil, fmt.Errorf("claim idempotency keys: %w", away(err))
	}
	for _, scope := range mine {
		out[[32]byte(scope)] = Claimed{Mine: true}
	}
	if len(mine) == len(claims) {
		return out, nil
	}
	return out, s.readKeys(ctx, scopes, out)
}

func (s *Store) readKeys(ctx context.Context, scopes [][]byte, out map[[32]byte]Claimed) error {
	rows, err := s.pool.Query(ctx, query("idempotency_read"), scopes)
	if err != nil {
		return fmt.Errorf("read idempotency keys: %w", away(err))
	}
	_, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (none struct{}, err error) {
		var scope, request, body []byte
		var status *int
		var headers map[string]string
		if err := row.Scan(&scope, &request, &status, &headers, &body); err != nil {
			return none, err
		}
		if len(scope) != 32 || len(request) != 32 {
			return none, errors.New("an idempotency key is malformed")
		}
		at := [32]byte(scope)
		if out[at].Mine {
			return none, nil
		}
		c := Claimed{Request: [32]byte(request)}
		if status != nil {
			c.Answer = &booking.StoredAnswer{Status: *status, Headers: headers, Body: body}
		}
		out[at] = c
		return none, nil
	})
	return away(err)
}

// Keep is an answer to be stored under a key; a nil answer frees the key.
type Keep struct {
	Scope  [32]byte
	Answer *booking.StoredAnswer
}

// KeepAnswers stores answers and frees keys.
func (s *Store) KeepAnswers(ctx context.Context, keeps []Keep) error {
	var scopes, bodies, free [][]byte
	var status []int
	var headers []string
	for _, k := range keeps {
		if k.Answer == nil {
			free = append(free, k.Scope[:])
			continue
		}
		h, err := json.Marshal(k.Answer.Headers)
		if err != nil {
			return err
		}
		scopes, bodies = append(scopes, k.Scope[:]), append(bodies, k.Answer.Body)
		status, headers = append(status, k.Answer.Status), append(headers, string(h))
	}
	var b pgx.Batch
	if len(scopes) > 0 {
		b.Queue(query("idempotency_store"), scopes, status, headers, bodies)
	}
	if len(free) > 0 {
		b.Queue(query("idempotency_free"), free)
	}
	return away(s.pool.SendBatch(ctx, &b).Close())
}

// PurgeKeys forgets keys that are a day old, at most n, and returns how many.
func (s *Store) PurgeKeys(ctx context.Context, n int) (int64, error) {
	tag, err := s.pool.Exec(ctx, query("idempotency_purge"), n)
	return tag.RowsAffected(), away(err)
}
