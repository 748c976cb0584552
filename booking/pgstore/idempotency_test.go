package pgstore_test

import (
	"reflect"
	"testing"
	"time"

	"usher/booking"
	"usher/booking/pgstore"
	"usher/booking/pgstore/pgtest"
)

func TestAKeyIsClaimedOnce(t *testing.T) {
	t.Parallel()
	s := pgtest.Open(t, 2)
	scope := func(n byte) [32]byte { return [32]byte{n} }
	claim := func(n, request byte, lasts time.Duration) pgstore.Claimed {
		t.Helper()
		got, err := s.ClaimKeys(t.Context(), []pgstore.Claim{{Scope: scope(n), Request: [32]byte{request}}}, lasts)
		if err != nil {
			t.Fatal(err)
		}
		return got[scope(n)]
	}
	keep := func(n byte, a *booking.StoredAnswer) {
		t.Helper()
		if err := s.KeepAnswers(t.Context(), []pgstore.Keep{{Scope: scope(n), Answer: a}}); err != nil {
			t.Fatal(err)
		}
	}
	if c := claim(1, 7, time.Minute); !c.Mine {
		t.Errorf("first: %+v", c)
	}
	if c := claim(1, 7, time.Minute); c.Mine || c.Answer != nil || c.Request != [32]byte{7} {
		t.Errorf("while the first runs: %+v", c)
	}
	answer := booking.StoredAnswer{Status: 201, Headers: map[string]string{"Location": "/x"}, Body: []byte(`{"a":1}`)}
	keep(1, &answer)
	if c := claim(1, 8, time.Minute); c.Mine || c.Answer == nil || !reflect.DeepEqual(*c.Answer, answer) || c.Request != [32]byte{7} {
		t.Errorf("after the first: %+v", c)
	}
	keep(1, nil) // an answer that is stored stays
	if c := claim(1, 7, time.Minute); c.Mine || c.Answer == nil {
		t.Errorf("a stored answer was given up: %+v", c)
	}
	claim(2, 7, time.Minute)
	keep(2, nil)
	if c := claim(2, 9, time.Minute); !c.Mine {
		t.Errorf("a key that was given back: %+v", c)
	}
	claim(3, 7, 0) // its request crashed
	if c := claim(3, 9, time.Minute); !c.Mine {
		t.Errorf("a key whose claim has run out: %+v", c)
	}
	if _, err := s.Pool().Exec(t.Context(), `UPDATE idempotency_keys SET created_at = now() - interval '25 hours' WHERE scope <> $1`, func() []byte { k := scope(3); return k[:] }()); err != nil {
		t.Fatal(err)
	}
	if c := claim(1, 9, time.Minute); !c.Mine {
		t.Errorf("after a day: %+v", c)
	}
	if n, err := s.PurgeKeys(t.Context(), 10); err != nil || n != 1 {
		t.Errorf("purged %d keys, %v, want the second", n, err)
	}
	if n := pgtest.Count(t, s, `SELECT count(*) FROM idempotency_keys`); n != 2 {
		t.Errorf("%d keys left, want 2", n)
	}
}
