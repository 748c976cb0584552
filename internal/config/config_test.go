package config

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
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
	f("indexer", "--index-prefix -x", "", "no name of 1 to 50 lower-case letters")
	f("reindex", "", "USHER_INDEX_PREFIX=Usher", "no name of 1 to 50")
	f("gateway", "--index-prefix a*", "", "no name of 1 to 50")
	f("gateway", "--secure-cookies maybe", "", "neither true nor false")
	f("dev", "--engines imagined", "", `"imagined" is none of embedded, real`)
}

// planted is a password that must be seen nowhere.
const planted = "pl4nted-Passw0rd"

func TestPasswordsComeFromFiles(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("p@ss/word\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{
		"USHER_POSTGRES": "postgres://usher@db:5432/usher?sslmode=verify-full", "USHER_POSTGRES_PASSWORD_FILE": file,
		"USHER_REDIS": "rediss://usher@cache:6379", "USHER_REDIS_PASSWORD_FILE": file,
		"USHER_KAFKA": "kafkas://usher@a:9093,b:9093", "USHER_KAFKA_PASSWORD_FILE": file, "USHER_ADMIN_TOKEN_FILE": file,
	}
	c, err := Load("gateway", nil, func(k string) string { return env[k] }, io.Discard, nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.Postgres != "postgres://usher:p%40ss%2Fword@db:5432/usher?sslmode=verify-full" || c.Redis != "rediss://usher:p%40ss%2Fword@cache:6379" ||
		c.Kafka != "kafkas://usher:p%40ss%2Fword@a:9093,b:9093" || c.AdminToken != "p@ss/word" {
		t.Errorf("%q %q %q %q", c.Postgres, c.Redis, c.Kafka, c.AdminToken)
	}
	// A role is not troubled by the files of stores that it does not use.
	env["USHER_REDIS_PASSWORD_FILE"], env["USHER_KAFKA_PASSWORD_FILE"], env["USHER_ADMIN_TOKEN_FILE"] = "/nowhere", "/nowhere", "/nowhere"
	if _, err := Load("migrate", nil, func(k string) string { return env[k] }, io.Discard, nil); err != nil {
		t.Errorf("migrate: %v", err)
	}
	if _, err := Load("gateway", nil, func(k string) string { return env[k] }, io.Discard, nil); err == nil || !strings.Contains(err.Error(), "--redis-password-file") {
		t.Errorf("gateway without its files: %v", err)
	}
}

func TestNoSecretIsPrinted(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte(planted), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, env := range []map[string]string{
		{"USHER_POSTGRES": "postgres://u:" + planted + "@h/d", "USHER_REDIS": "redis://:" + planted + "@h:1", "USHER_ADMIN_TOKEN": planted},
		{"USHER_POSTGRES": "postgres://u:" + planted + "@h/d", "USHER_POSTGRES_PASSWORD_FILE": file},
		{"USHER_POSTGRES": "host=h password=" + planted, "USHER_POSTGRES_PASSWORD_FILE": file},
		{"USHER_REDIS": planted, "USHER_REDIS_PASSWORD_FILE": file},
		{"USHER_ADMIN_TOKEN": planted, "USHER_ADMIN_TOKEN_FILE": file},
	} {
		var out strings.Builder
		getenv := func(k string) string { return env[k] }
		_, help := Load("gateway", []string{"-h"}, getenv, &out, nil)
		_, err := Load("gateway", nil, getenv, &out, nil)
		for _, text := range []string{out.String(), fmt.Sprint(help), fmt.Sprint(err)} {
			if strings.Contains(text, planted) {
				t.Errorf("%v is told to everybody: %s", env, text)
			}
		}
		if err == nil && len(env) == 2 {
			t.Errorf("%v was accepted", env)
		}
	}
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
