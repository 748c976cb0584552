package pass

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"usher/internal/id"
)

func authority(t testing.TB, now *time.Time) *Authority {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keys.json")
	if err := EnsureKeys(path); err != nil {
		t.Fatal(err)
	}
	before, _ := os.ReadFile(path)
	if err := EnsureKeys(path); err != nil {
		t.Fatal(err)
	}
	if after, _ := os.ReadFile(path); string(after) != string(before) {
		t.Fatal("an existing keys file was changed")
	}
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 {
		t.Fatalf("keys file has mode %s", info.Mode())
	}
	keys, err := LoadKeys(path)
	if err != nil {
		t.Fatal(err)
	}
	return New(keys, "https://usher.test", func() time.Time { return *now })
}

func claims(now time.Time) Claims {
	return Claims{Room: "final", Visitor: id.NewVisitor(), JTI: "j1", Number: 41, Run: "r1", IssuedAt: now, ExpiresAt: now.Add(time.Minute)}
}

func TestAPassSaysWhatWasSigned(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0).UTC()
	a := authority(t, &now)
	want := claims(now)
	token, err := a.Sign(want)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time from the cache
		if got, err := a.Verify(token, "final"); err != nil || got != want {
			t.Errorf("Verify = %+v, %v; want %+v", got, err, want)
		}
	}
	if _, err := a.Verify(token, "other"); !errors.Is(err, ErrWrongRoom) {
		t.Errorf("in another room: %v", err)
	}
	now = now.Add(time.Minute + leeway + time.Second)
	if _, err := a.Verify(token, "final"); !errors.Is(err, ErrExpired) {
		t.Errorf("from the cache after its end: %v", err)
	}
	clear(a.cache)
	if _, err := a.Verify(token, "final"); !errors.Is(err, ErrExpired) {
		t.Errorf("after its end: %v", err)
	}
}

func TestForgedPassesAreRefused(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0).UTC()
	a, other := authority(t, &now), authority(t, &now)
	token, _ := a.Sign(claims(now))
	parts := strings.Split(token, ".")
	stranger, _ := other.Sign(claims(now))
	none := jwt.NewWithClaims(jwt.SigningMethodNone, jwt.MapClaims{"aud": "final", "exp": now.Unix() + 60})
	unsigned, _ := none.SignedString(jwt.UnsafeAllowNoneSignatureType)
	sign := func(c jwt.MapClaims) string {
		tok := jwt.NewWithClaims(jwt.SigningMethodEdDSA, c)
		tok.Header["kid"] = a.keys.Load().Signing
		s, err := tok.SignedString(a.keys.Load().private[a.keys.Load().Signing])
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	full := func(change func(jwt.MapClaims)) string {
		c := jwt.MapClaims{"iss": "https://usher.test", "aud": "final", "sub": id.NewVisitor().String(), "jti": "j", "num": 1, "run": "r",
			"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Unix() + 60}
		change(c)
		return sign(c)
	}
	f := func(why, token string) {
		t.Helper()
		if c, err := a.Verify(token, "final"); err == nil {
			t.Errorf("%s: accepted as %+v", why, c)
		}
	}
	if _, err := a.Verify(full(func(jwt.MapClaims) {}), "final"); err != nil {
		t.Fatalf("the honest one: %v", err)
	}
	f("empty", "")
	f("another authority's", stranger)
	f("unsigned", unsigned)
	f("no expiry", full(func(c jwt.MapClaims) { delete(c, "exp") }))
	f("no id", full(func(c jwt.MapClaims) { delete(c, "jti") }))
	f("two rooms", full(func(c jwt.MapClaims) { c["aud"] = []string{"final", "other"} }))
	f("another issuer", full(func(c jwt.MapClaims) { c["iss"] = "https://evil.test" }))
	f("from the future", full(func(c jwt.MapClaims) { c["iat"] = now.Unix() + 600 }))
	f("no visitor", full(func(c jwt.MapClaims) { c["sub"] = "root" }))
	f("padded", token+"=")
	f("changed payload", parts[0]+"."+base64.RawURLEncoding.EncodeToString([]byte(`{"aud":"final"}`))+"."+parts[2])
	f("long", token+strings.Repeat("a", maxToken))
}

func TestJWKSIsWhatAStockLibraryExpects(t *testing.T) {
	t.Parallel()
	now := time.Now()
	var set struct {
		Keys []map[string]string `json:"keys"`
	}
	if err := json.Unmarshal(authority(t, &now).JWKS(), &set); err != nil || len(set.Keys) != 1 {
		t.Fatalf("%v, %d keys", err, len(set.Keys))
	}
	k := set.Keys[0]
	x, err := base64.RawURLEncoding.DecodeString(k["x"])
	if k["kty"] != "OKP" || k["crv"] != "Ed25519" || k["alg"] != "EdDSA" || k["use"] != "sig" || k["kid"] == "" || err != nil || len(x) != 32 {
		t.Errorf("key %v", k)
	}
}

// The files of secrets of a container lie where nothing can be written: one that is there is good, one that is missing is an error.
func TestKeysThatAreThereNeedNoPlaceToWrite(t *testing.T) {
	t.Parallel()
	if err := EnsureKeys("/proc/self/status"); err != nil {
		t.Errorf("a file that is there: %v", err)
	}
	if err := EnsureKeys("/proc/self/no-such-file"); err == nil {
		t.Error("a file was made where none can be")
	}
}

func TestBadKeyFilesAreRefused(t *testing.T) {
	t.Parallel()
	for _, content := range []string{"", "{}", `{"signing":"a","keys":[{"kid":"a","seed":"AAAA"}]}`, `{"signing":"b","keys":[]}`} {
		path := filepath.Join(t.TempDir(), "k.json")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadKeys(path); err == nil {
			t.Errorf("%q was accepted", content)
		}
	}
}

func FuzzVerify(f *testing.F) {
	now := time.Unix(1_800_000_000, 0).UTC()
	a := authority(f, &now)
	token, _ := a.Sign(claims(now))
	f.Add(token)
	f.Add("a.b.c")
	f.Fuzz(func(t *testing.T, s string) {
		if _, err := a.Verify(s, ""); err == nil && s != token {
			t.Errorf("a pass that nobody signed was accepted: %q", s)
		}
	})
}

func BenchmarkVerifyCached(b *testing.B) {
	now := time.Unix(1_800_000_000, 0).UTC()
	a := authority(b, &now)
	token, _ := a.Sign(claims(now))
	for b.Loop() {
		if _, err := a.Verify(token, "final"); err != nil {
			b.Fatal(err)
		}
	}
}

// A pass is good at once at every gateway, though the clocks of who stamps it and who looks at it are up to 5 s apart: it is stamped by the clock of
// the line.
func TestAFreshPassIsGoodWhereClocksAreWrong(t *testing.T) {
	t.Parallel()
	stamped := time.Now()
	for _, wrong := range []time.Duration{-5 * time.Second, 0, 5 * time.Second} {
		now := stamped.Add(wrong)
		a := authority(t, &now)
		c := claims(stamped)
		token, err := a.Sign(c)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.Verify(token, c.Room); err != nil {
			t.Errorf("a clock that is %v wrong: %v", wrong, err)
		}
		if nbf := notBefore(t, token); nbf.After(now) {
			t.Errorf("a clock that is %v wrong, and a verifier that allows nothing: good in %v only", wrong, nbf.Sub(now))
		}
	}
}

// notBefore reads when a pass says that it becomes good.
func notBefore(t *testing.T, token string) time.Time {
	t.Helper()
	var c jwt.RegisteredClaims
	if _, _, err := jwt.NewParser().ParseUnverified(token, &c); err != nil {
		t.Fatal(err)
	}
	return c.NotBefore.Time
}
