package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// leaks returns what is wrong with how a file compares what strangers send with what only we can know.
func leaks(text string) (out []string) {
	constant := strings.Contains(text, "hmac.Equal(") || strings.Contains(text, "subtle.ConstantTimeCompare(")
	for secret, what := range map[string]string{"hmac.New(": "a MAC", "requireAdmin(c *call)": "the admin token"} {
		if strings.Contains(text, secret) && (!constant || strings.Contains(text, "bytes.Equal(") || strings.Contains(text, "bytes.Compare(")) {
			out = append(out, what+" is compared in a time that tells how much of it is right")
		}
	}
	return out
}

// onlySigns reports whether a file makes MACs for others to check, and is told none.
func onlySigns(path string) bool {
	return strings.HasPrefix(path, "booking/payment/stripe/stripetest/") || path == "booking/webhook/sign.go"
}

// Whoever makes a MAC, or checks the admin token, compares in constant time.
func TestSecretsAreComparedInConstantTime(t *testing.T) {
	t.Parallel()
	compared := 0
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || onlySigns(path) {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, leak := range leaks(string(text)) {
			t.Errorf("%s: %s", path, leak)
		}
		if strings.Contains(string(text), "hmac.Equal(") || strings.Contains(string(text), "subtle.ConstantTimeCompare(") {
			compared++
		}
		return nil
	})
	if err != nil || compared < 4 { // places and visitors, the admin token, cursors of tickets and of searches
		t.Errorf("%d files compare secrets, %v", compared, err)
	}
}

func TestControlALeakIsFound(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		"m := hmac.New(sha256.New, key)\nif string(m.Sum(nil)) == given {": 1, "m := hmac.New(h, key); hmac.Equal(a, b)": 0,
		"hmac.New(h, key); hmac.Equal(a, b); bytes.Equal(a, b)": 1, "func (s *Server) requireAdmin(c *call) error { return s.AdminToken == given }": 1, "x == y": 0,
	} {
		if got := leaks(text); len(got) != want {
			t.Errorf("%q: %q", text, got)
		}
	}
}
