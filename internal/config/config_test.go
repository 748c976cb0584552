package config

import (
	"errors"
	"flag"
	"io"
	"os"
	"strings"
	"testing"
	"time"
)

func TestFlagBeatsEnvironmentBeatsDefault(t *testing.T) {
	t.Parallel()
	env := map[string]string{"USHER_HOLD": "20s", "USHER_ADDR": ":1"}
	c, err := Load("gateway", []string{"--addr", ":2"}, func(k string) string { return env[k] }, io.Discard, nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.Addr != ":2" || c.HoldFor != 20*time.Second || c.Checkout != 10*time.Minute {
		t.Errorf("addr %q, hold %s, checkout %s", c.Addr, c.HoldFor, c.Checkout)
	}
}

func TestBadSettingsSayWhatToDo(t *testing.T) {
	t.Parallel()
	f := func(role, args, env, want string) {
		t.Helper()
		_, err := Load(role, strings.Fields(args), func(k string) string {
			if name, v, _ := strings.Cut(env, "="); name == k {
				return v
			}
			return ""
		}, io.Discard, nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s %s %s: %v, want …%s…", role, args, env, err, want)
		}
	}
	f("gateway", "--hold 9h", "", "no duration from 1s to 1h")
	f("gateway", "", "USHER_SEAT_LIMIT=no", "USHER_SEAT_LIMIT: \"no\" is no whole number from 1 to 50")
	f("gateway", "--nonsense", "", "not defined")
	f("worker", "--addr :1", "", "not defined")
	f("worker", "stray", "", "takes no argument")
	f("gateway", "--secure-cookies maybe", "", "neither true nor false")
	f("dev", "--engines imagined", "", `"imagined" is none of embedded, real`)
}

func TestNeedNamesTheFlagAndTheVariable(t *testing.T) {
	t.Parallel()
	err := Config{Redis: "x"}.Need("postgres", "redis")
	if err == nil || !strings.Contains(err.Error(), "--postgres (or USHER_POSTGRES)") || strings.Contains(err.Error(), "--redis") {
		t.Errorf("Need: %v", err)
	}
}

func TestHelpIsHelp(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	_, err := Load("worker", []string{"-h"}, func(string) string { return "" }, &out, nil)
	if !errors.Is(err, flag.ErrHelp) || !strings.Contains(out.String(), "USHER_POSTGRES") {
		t.Errorf("help: %v\n%s", err, out.String())
	}
}

func TestDocumentationIsThisTable(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	var table strings.Builder
	Markdown(&table)
	if !strings.Contains(string(page), table.String()) {
		t.Errorf("docs/configuration.md differs from the settings; it should hold:\n%s", table.String())
	}
}
