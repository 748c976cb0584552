package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"usher/internal/address"
	"usher/internal/config"
	"usher/waitroom"
	"usher/waitroom/pass"
)

// redisRights is what Usher needs of a Redis: its own keys and channels, and no command that could touch what is not its own. A test holds it.
const redisRights = "~usher:* &usher:* +@all -@admin -@dangerous +info +cluster|slots +cluster|shards"

// runSecrets makes the files that a deployment reads. Those that are there are left alone, so it may be repeated, and a file that was removed
// is made anew.
func runSecrets(_ context.Context, args []string, getenv func(string) string, out io.Writer) error {
	var set *flag.FlagSet
	if _, err := config.Load("secrets", args, getenv, out, func(f *flag.FlagSet) { set = f }); err != nil {
		return err
	}
	if set.NArg() != 1 {
		return errors.New("name one folder, as in: usher secrets deploy/secrets")
	}
	made, err := makeSecretFiles(set.Arg(0))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%d files made in %s: %s\n", len(made), set.Arg(0), strings.Join(made, " "))
	return err
}

// makeSecretFiles makes what is missing and returns the names of what it made. The folder is open to its owner only; the files in it are readable
// to all, because each container that is given one reads it as another user.
func makeSecretFiles(dir string) (made []string, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	for _, f := range []struct {
		name string
		make func(path string) error
	}{
		{"places.json", waitroom.EnsureSecrets},
		{"pass-keys.json", pass.EnsureKeys},
		{"admin-token", makePassword},
		{"postgres-password", makePassword},
		{"redis-password", makePassword},
		{"redis-users.acl", makeRedisUsers},
		{"kafka-password", makePassword},
		{"elasticsearch-password", makePassword},
	} {
		path := filepath.Join(dir, f.name)
		if _, err := os.Stat(path); err == nil {
			continue
		}
		if err := f.make(path); err != nil {
			return made, err
		}
		if err := os.Chmod(path, 0o444); err != nil {
			return made, err
		}
		made = append(made, f.name)
	}
	return made, nil
}

func makePassword(path string) error { return writeSecret(path, rand.Text()) }

// makeRedisUsers makes the file of users of a Redis: ours, who proves himself with the password beside it, and nobody else.
func makeRedisUsers(path string) error {
	password, err := address.Secret(filepath.Join(filepath.Dir(path), "redis-password"))
	if err != nil {
		return err
	}
	return writeSecret(path, fmt.Sprintf("user default off\nuser usher on #%x %s", sha256.Sum256([]byte(password)), redisRights))
}

// writeSecret writes a file that must not be there yet.
func writeSecret(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(f, text)
	return errors.Join(err, f.Sync(), f.Close())
}
