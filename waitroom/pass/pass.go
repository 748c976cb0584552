// Package pass is the admission token: what the gateway signs, what the desk and third parties check. A pass is a JWT
// (RFC 7519) signed with EdDSA (RFC 8037): one room (aud), one visitor (sub), a short time, its own id (jti), the number that
// entered and the run. Anybody can verify it with a stock library and the keys at /.well-known/jwks.json.
package pass

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"usher/internal/id"
)

const (
	leeway   = 2 * time.Second // after its end
	skew     = 5 * time.Second // how wrong the clock of a gateway may be, or of whoever verifies; passes are stamped by the clock of the line
	maxToken = 2048            // bytes of a token that is looked at
	maxCache = 200_000         // verified passes: about 60 MB
)

// Authority signs passes and verifies them. It is safe for concurrent use.
type Authority struct {
	keys   atomic.Pointer[Keys]
	issuer string
	parser *jwt.Parser
	now    func() time.Time
	mu     sync.RWMutex // guards cache
	cache  map[string]Claims
}

type wire struct {
	jwt.RegisteredClaims
	Number int64  `json:"num"`
	Run    string `json:"run"`
}

// New returns the authority of an issuer.
func New(keys *Keys, issuer string, now func() time.Time) *Authority {
	a := &Authority{
		issuer: issuer, now: now, cache: map[string]Claims{},
		parser: jwt.NewParser(
			jwt.WithValidMethods([]string{jwt.SigningMethodEdDSA.Alg()}), jwt.WithIssuer(issuer), jwt.WithExpirationRequired(),
			jwt.WithLeeway(leeway), jwt.WithStrictDecoding(), jwt.WithTimeFunc(now),
		),
	}
	a.keys.Store(keys)
	return a
}

// Use takes other keys from now on. Passes of a key that is not among them are refused, those too that were verified before.
func (a *Authority) Use(keys *Keys) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.keys.Store(keys)
	clear(a.cache)
}

// Sign returns the pass that says the claims. Times are cut to seconds, as JWT keeps them. It is good from 5 s before it is issued, for the clocks of
// those who verify it.
func (a *Authority) Sign(c Claims) (string, error) {
	t := jwt.NewWithClaims(jwt.SigningMethodEdDSA, wire{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: a.issuer, Audience: jwt.ClaimStrings{c.Room}, Subject: c.Visitor.String(), ID: c.JTI,
			IssuedAt: jwt.NewNumericDate(c.IssuedAt), NotBefore: jwt.NewNumericDate(c.IssuedAt.Add(-skew)), ExpiresAt: jwt.NewNumericDate(c.ExpiresAt),
		},
		Number: c.Number, Run: c.Run,
	})
	keys := a.keys.Load()
	t.Header["kid"] = keys.Signing
	s, err := t.SignedString(keys.private[keys.Signing])
	if err != nil {
		return "", fmt.Errorf("sign a pass of room %q: %w", c.Room, err)
	}
	return s, nil
}

// Verify checks a pass for the given room; an empty room accepts any. A pass that was verified before costs a map look-up instead
// of a signature check (measured: 65 µs). ErrInvalid, ErrExpired, ErrWrongRoom.
func (a *Authority) Verify(token, room string) (Claims, error) {
	a.mu.RLock()
	c, known := a.cache[token]
	a.mu.RUnlock()
	if !known {
		var err error
		keys := a.keys.Load()
		if c, err = a.check(keys, token); err != nil {
			return Claims{}, err
		}
		a.remember(keys, token, c)
	} else if a.now().After(c.ExpiresAt.Add(leeway)) {
		return Claims{}, ErrExpired
	}
	if room != "" && c.Room != room {
		return Claims{}, ErrWrongRoom
	}
	return c, nil
}

func (a *Authority) check(keys *Keys, token string) (c Claims, err error) {
	if len(token) > maxToken {
		return c, ErrInvalid
	}
	var w wire
	_, err = a.parser.ParseWithClaims(token, &w, func(t *jwt.Token) (any, error) {
		kid, _ := t.Header["kid"].(string)
		key, ok := keys.private[kid]
		if !ok {
			return nil, ErrInvalid
		}
		public, _ := key.Public().(ed25519.PublicKey)
		return public, nil
	})
	if errors.Is(err, jwt.ErrTokenExpired) && !errors.Is(err, jwt.ErrTokenSignatureInvalid) {
		return c, ErrExpired
	}
	if err != nil || len(w.Audience) != 1 || w.ID == "" || w.IssuedAt == nil || w.NotBefore == nil || w.IssuedAt.After(a.now().Add(skew+leeway)) {
		return c, ErrInvalid
	}
	visitor, err := id.ParseVisitor(w.Subject)
	if err != nil {
		return c, ErrInvalid
	}
	return Claims{
		Room: w.Audience[0], Visitor: visitor, JTI: w.ID, Number: w.Number, Run: w.Run,
		IssuedAt: w.IssuedAt.UTC(), ExpiresAt: w.ExpiresAt.UTC(),
	}, nil
}

// remember keeps a verified pass. A full cache forgets those that have run out, and else all: they are checked again.
func (a *Authority) remember(keys *Keys, token string, c Claims) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.keys.Load() != keys { // it was verified with keys that may count no more
		return
	}
	if len(a.cache) >= maxCache {
		now := a.now()
		for k, v := range a.cache {
			if now.After(v.ExpiresAt) {
				delete(a.cache, k)
			}
		}
		if len(a.cache) >= maxCache {
			clear(a.cache)
		}
	}
	a.cache[token] = c
}

// JWKS is the document that third parties verify with.
func (a *Authority) JWKS() []byte { return a.keys.Load().JWKS() }
