package main

import (
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"usher/internal/config"
	"usher/internal/id"
	"usher/waitroom"
	"usher/waitroom/pass"
)

// keyHouse is a gateway's keys and their files.
type keyHouse struct {
	t             *testing.T
	sealer        *waitroom.Sealer
	passes        *pass.Authority
	secrets, keys *keyFile
}

func newKeyHouse(t *testing.T) *keyHouse {
	t.Helper()
	r := &role{Config: config.Config{SecretFile: filepath.Join(t.TempDir(), "places.json"), PassKeysFile: filepath.Join(t.TempDir(), "pass-keys.json")}}
	r.log = slog.New(slog.DiscardHandler)
	for path, ensure := range map[string]func(string) error{r.SecretFile: waitroom.EnsureSecrets, r.PassKeysFile: pass.EnsureKeys} {
		if err := ensure(path); err != nil {
			t.Fatal(err)
		}
	}
	sealer, err := waitroom.LoadSecrets(r.SecretFile)
	if err != nil {
		t.Fatal(err)
	}
	signing, err := pass.LoadKeys(r.PassKeysFile)
	if err != nil {
		t.Fatal(err)
	}
	h := &keyHouse{t: t, sealer: sealer, passes: pass.New(signing, "https://usher.test", time.Now)}
	h.secrets, h.keys = r.keyFiles(h.sealer, h.passes)
	h.look(false)
	return h
}

// look lets the gateway look at its files, which it must take or leave.
func (h *keyHouse) look(want bool) {
	h.t.Helper()
	for _, f := range []*keyFile{h.secrets, h.keys} {
		if taken, err := f.look(); err != nil || taken != want {
			h.t.Errorf("%s is taken: %t, %v; want %t", filepath.Base(f.path), taken, err, want)
		}
	}
}

func (h *keyHouse) step(step string) {
	h.t.Helper()
	if err := runKeys(h.t.Context(), []string{step, h.secrets.path, h.keys.path}, func(string) string { return "" }, io.Discard); err != nil {
		h.t.Error(err)
	}
	h.look(true)
	h.look(false)
}

// tokens are what a fan has.
type tokens struct{ visitor, place, pass string }

func (h *keyHouse) seal() (t tokens) {
	v, now := id.NewVisitor(), time.Now()
	t.visitor, t.place = h.sealer.SealVisitor(v), h.sealer.SealPlace(waitroom.Place{Room: "final", Run: "r", Visitor: v, Number: 7, IssuedAt: now})
	var err error
	if t.pass, err = h.passes.Sign(pass.Claims{Room: "final", Visitor: v, JTI: "j", Number: 7, Run: "r", IssuedAt: now, ExpiresAt: now.Add(time.Minute)}); err != nil {
		h.t.Error(err)
	}
	return t
}

// opens reports how many of a fan's three tokens are accepted.
func (h *keyHouse) opens(t tokens) (n int) {
	for range 2 { // a pass the second time from memory
		n = 0
		if _, err := h.sealer.OpenVisitor(t.visitor); err == nil {
			n++
		}
		if _, err := h.sealer.OpenPlace(t.place); err == nil {
			n++
		}
		if _, err := h.passes.Verify(t.pass, "final"); err == nil {
			n++
		}
	}
	return n
}

// Keys change in three steps, and nobody is refused until the last, which refuses what the old keys have sealed.
func TestKeysAreRotatedWhileAGatewayRuns(t *testing.T) {
	t.Parallel()
	h := newKeyHouse(t)
	old, cursors := h.seal(), string(h.sealer.Derive("cursors"))
	h.step("announce")
	announced := h.seal()
	h.step("switch")
	fresh := h.seal()
	if string(h.sealer.Derive("cursors")) != cursors {
		t.Error("cursors are refused before the old key is")
	}
	for name, token := range map[string]tokens{"the old": old, "the announced": announced, "the fresh": fresh} {
		if n := h.opens(token); n != 3 {
			t.Errorf("of %s tokens %d are accepted", name, n)
		}
	}
	if n := strings.Count(string(h.passes.JWKS()), `"kid"`); n != 2 {
		t.Errorf("%d keys are published during the overlap", n)
	}
	h.step("retire")
	if a, b, c := h.opens(old), h.opens(announced), h.opens(fresh); a != 0 || b != 0 || c != 3 {
		t.Errorf("after the old keys are retired %d old, %d announced and %d fresh tokens are accepted", a, b, c)
	}
}

// A gateway that was told nothing yet accepts what another seals that has switched already: the key was announced to it.
func TestAnAnnouncedKeyIsAcceptedEverywhere(t *testing.T) {
	t.Parallel()
	h := newKeyHouse(t)
	h.step("announce")
	files := map[*keyFile][]byte{}
	for _, f := range []*keyFile{h.secrets, h.keys} {
		content, err := os.ReadFile(f.path)
		if err != nil {
			t.Fatal(err)
		}
		files[f] = content
	}
	h.step("switch")
	fresh := h.seal()
	for f, content := range files { // the other gateway is a step behind
		if err := f.use(content); err != nil {
			t.Fatal(err)
		}
	}
	if n := h.opens(fresh); n != 3 {
		t.Errorf("%d of 3 fresh tokens are accepted by a gateway that is a step behind", n)
	}
}

func TestAFileThatIsNoFileOfKeysIsNotTaken(t *testing.T) {
	t.Parallel()
	h := newKeyHouse(t)
	old := h.seal()
	for _, f := range []*keyFile{h.secrets, h.keys} {
		for _, bad := range []string{"", "{}", `{"current":9,"signing":"x","keys":[]}`, strings.Repeat("x", maxKeyFile+1)} {
			if err := os.WriteFile(f.path, []byte(bad), 0o600); err != nil {
				t.Fatal(err)
			}
			if taken, err := f.look(); err == nil || taken {
				t.Errorf("%.20q is taken: %t, %v", bad, taken, err)
			}
			if taken, err := f.look(); err != nil || taken {
				t.Errorf("%.20q is told twice: %t, %v", bad, taken, err)
			}
			for step := range keySteps {
				if err := runKeys(t.Context(), []string{step, f.path}, func(string) string { return "" }, io.Discard); err == nil {
					t.Errorf("%s of %.20q is no error", step, bad)
				}
			}
		}
		if err := os.Remove(f.path); err != nil {
			t.Fatal(err)
		}
		if _, err := f.look(); err == nil {
			t.Error("a file that is gone is no error")
		}
	}
	if n := h.opens(old); n != 3 {
		t.Errorf("%d of 3 tokens are still accepted", n)
	}
}

func TestKeysWantAStepAndFiles(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{nil, {"announce"}, {"burn", "x"}, {"switch", "/no/such/file"}} {
		if err := runKeys(t.Context(), args, func(string) string { return "" }, io.Discard); err == nil {
			t.Errorf("%q is no error", args)
		}
	}
	h := newKeyHouse(t)
	if err := os.Chmod(h.keys.path, 0o444); err != nil {
		t.Fatal(err)
	}
	h.step("announce")
	if info, err := os.Stat(h.keys.path); err != nil || info.Mode().Perm() != 0o444 {
		t.Errorf("the file's rights have become %v, %v", info.Mode(), err)
	}
	for range 20 { // a sixteenth key is the last
		if err := runKeys(t.Context(), []string{"announce", h.keys.path}, func(string) string { return "" }, io.Discard); err != nil {
			return
		}
	}
	t.Error("there may be any number of keys")
}
