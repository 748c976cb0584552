package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"usher/internal/config"
	"usher/internal/keyfile"
	"usher/waitroom"
	"usher/waitroom/pass"
)

const (
	keysEvery  = 2 * time.Second // a gateway looks at the files of its keys
	maxKeyFile = 64 << 10        // bytes
)

var (
	keysTakenTotal   = metrics.NewCounter("usher_keys_taken_total")
	keysRefusedTotal = metrics.NewCounter("usher_keys_refused_total")
)

// keyFile is a file of keys that a gateway follows while it runs.
type keyFile struct {
	path string
	use  func(content []byte) error // an error changes nothing
	last []byte
}

// followKeys takes new keys whenever a file has changed. A file that is no file of keys is told once, and the keys stay as they are.
func (r *role) followKeys(ctx context.Context, files ...*keyFile) error {
	tick := time.NewTicker(keysEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		for _, f := range files {
			taken, err := f.look()
			switch {
			case err != nil:
				keysRefusedTotal.Inc()
				r.log.Warn("a file of keys is not taken; the keys stay as they are", "file", f.path, "err", err)
			case taken:
				keysTakenTotal.Inc()
				r.log.Info("keys are taken from a file that has changed", "file", f.path)
			}
		}
	}
}

// look takes the file's keys if it is another than was seen last.
func (f *keyFile) look() (taken bool, err error) {
	file, err := os.Open(f.path)
	if err != nil {
		return false, err
	}
	content, err := io.ReadAll(io.LimitReader(file, maxKeyFile))
	if err = errors.Join(err, file.Close()); err != nil || bytes.Equal(content, f.last) {
		return false, err
	}
	again := f.last != nil // what is seen first may have been changed since it was loaded, and most likely is the same
	f.last = content
	if err := f.use(content); err != nil {
		return false, err
	}
	return again, nil
}

// keyFiles are the files of a sealer and an authority.
func (r *role) keyFiles(sealer *waitroom.Sealer, passes *pass.Authority) (secrets, keys *keyFile) {
	secrets = &keyFile{path: r.SecretFile, use: func(content []byte) error {
		s, err := waitroom.ParseSecrets(content)
		if err == nil {
			sealer.Use(s)
		}
		return err
	}}
	keys = &keyFile{path: r.PassKeysFile, use: func(content []byte) error {
		k, err := pass.ParseKeys(content)
		if err == nil {
			passes.Use(k)
		}
		return err
	}}
	return secrets, keys
}

// keySteps are what `usher keys` does to a file of places, and to one of passes.
var keySteps = map[string]struct {
	secrets, passes func(content []byte) ([]byte, error)
	next            string
}{
	"announce": {waitroom.AnnouncedSecrets, pass.Announced, "every gateway knows it in 2 s and published keys are kept for 5 minutes; then: usher keys switch"},
	"switch":   {waitroom.SwitchedSecrets, pass.Switched, "the old key still opens what it has sealed; when that has run out: usher keys retire"},
	"retire":   {waitroom.RetiredSecrets, pass.Retired, "what the old keys have sealed is refused from now on"},
}

// runKeys takes a file of keys one step further.
func runKeys(_ context.Context, args []string, getenv func(string) string, out io.Writer) error {
	var set *flag.FlagSet
	if _, err := config.Load("keys", args, getenv, out, func(f *flag.FlagSet) { set = f }); err != nil {
		return err
	}
	step, known := keySteps[set.Arg(0)]
	if !known || set.NArg() < 2 {
		return errors.New("say announce, switch or retire, and the files: usher keys announce deploy/secrets/places.json deploy/secrets/pass-keys.json")
	}
	for _, path := range set.Args()[1:] {
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		change := step.secrets
		if _, err := pass.ParseKeys(content); err == nil {
			change = step.passes
		}
		if content, err = change(content); err == nil {
			err = keyfile.Replace(path, content)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	_, err := fmt.Fprintf(out, "%s: %s\n", strings.Join(set.Args()[1:], ", "), step.next)
	return err
}
