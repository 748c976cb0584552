package waitroom

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"usher/internal/id"
)

// sealer returns one whose key is made of a letter: what a fuzzer finds stays what it is.
func sealer(t testing.TB, letter byte) *Sealer {
	t.Helper()
	key := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{letter}, 32))
	secrets, err := ParseSecrets([]byte(`{"current":1,"keys":[{"id":1,"key":"` + key + `"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	s := &Sealer{}
	s.Use(secrets)
	return s
}

// sealed are one token of each kind.
func sealed(s *Sealer) []string {
	v := id.Visitor{1, 2, 3}
	return []string{s.SealVisitor(v), s.SealPlace(Place{Room: "final", Run: "run", Visitor: v, Number: 1 << 40, IssuedAt: time.UnixMilli(1_800_000_000_000)}), s.sealCursor(41)}
}

// Nobody makes a token but who has the key, and there is one spelling of each: what is opened is what was sealed. And a token of one kind is none of another.
func FuzzSealed(f *testing.F) {
	s, stranger := sealer(f, 'a'), sealer(f, 'b')
	ours := sealed(s)
	for _, token := range append(append(ours, sealed(stranger)...), "", "AA", "dgE", strings.Repeat("A", maxSealed), ours[0]+"=", ours[1][:len(ours[1])-1], "\n"+ours[2]) {
		f.Add(token)
	}
	f.Fuzz(func(t *testing.T, token string) {
		_, visitor := s.OpenVisitor(token)
		_, place := s.OpenPlace(token)
		_, cursor := s.openCursor(token)
		for i, err := range []error{visitor, place, cursor} {
			if opened := err == nil; opened != (token == ours[i]) {
				t.Errorf("token %d of %q is opened: %t", i, token, opened)
			}
		}
		if visitor != nil && !errors.Is(visitor, ErrVisitorInvalid) || place != nil && !errors.Is(place, ErrPlaceInvalid) || cursor != nil && !errors.Is(cursor, ErrBadCursor) {
			t.Errorf("%q is refused with %v, %v, %v", token, visitor, place, cursor)
		}
	})
}

// Any place comes back as it was sealed, with another key among those that open, too.
func FuzzPlaceComesBack(f *testing.F) {
	s := sealer(f, 'a')
	f.Add("final", "run", int64(7), int64(1_800_000_000_000))
	f.Add("a", "", int64(0), int64(-1))
	f.Add(strings.Repeat("z", 64), strings.Repeat("r", 64), int64(1)<<62, int64(1)<<50)
	f.Fuzz(func(t *testing.T, room, run string, number, issued int64) {
		if len(room) > 64 || len(run) > 64 || issued < -1<<52 || issued > 1<<52 {
			return // no room has such a name, and no clock such a time
		}
		want := Place{Room: room, Run: run, Visitor: id.Visitor{9}, Number: number, IssuedAt: time.UnixMilli(issued).UTC()}
		if got, err := s.OpenPlace(s.SealPlace(want)); err != nil || got != want {
			t.Errorf("%+v comes back as %+v, %v", want, got, err)
		}
	})
}

// A rooms file is refused with what is wrong, or its rooms hold what rooms must hold, and can be written down.
func FuzzParseRooms(f *testing.F) {
	for _, file := range []string{
		`{"rooms":[]}`, `{"rooms":[{"room":"final","method":"fifo","events":["a"],"capacity":5,"calls_per_minute":60}]}`, `{}`, `[]`, `{"rooms":null}x`,
		`{"rooms":[{"room":"a","method":"fifo","capacity":1,"calls_per_minute":1e308,"poll_floor_seconds":1e-300}]}`,
		`{"rooms":[{"room":"a","method":"fifo","capacity":1,"calls_per_minute":1,"session_seconds":9223372036854775807,"opens_at":"9999-12-31T23:59:59Z"}]}`,
		`{"rooms":[{"room":"a","events":["",""]},{"room":"a"}]}`, `{"Rooms":[{"ROOM":"a"}]}`,
	} {
		f.Add([]byte(file))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		rooms, err := ParseRooms(file)
		if err != nil {
			if len(rooms) > 0 || err.Error() == "" {
				t.Errorf("%q gives rooms and %v", file, err)
			}
			return
		}
		seen, events := map[string]bool{}, map[string]bool{}
		for _, r := range rooms {
			if faults := r.Check(); len(faults) > 0 || seen[r.Room] {
				t.Errorf("%q gives room %q, twice: %t, with %v", file, r.Room, seen[r.Room], faults)
			}
			seen[r.Room] = true
			for _, e := range r.EventKeys {
				if events[e] {
					t.Errorf("%q gives an event to two doors: %q", file, e)
				}
				events[e] = true
			}
			if _, err := (Room{Rules: r}).Record(); err != nil {
				t.Errorf("%q gives a room that cannot be written down: %v", file, err)
			}
		}
	})
}

// A secrets file is refused, or each of its keys opens what it has sealed; and each step of a rotation makes a file that is taken.
func FuzzParseSecrets(f *testing.F) {
	for _, file := range []string{`{}`, `{"current":1,"keys":[]}`, `{"current":1,"keys":[{"id":1,"key":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}]}`, `{"current":256}`, `x`} {
		f.Add([]byte(file))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		secrets, err := ParseSecrets(file)
		if err != nil {
			return
		}
		s := &Sealer{}
		s.Use(secrets)
		v := id.Visitor{4}
		token := s.SealVisitor(v)
		if got, err := s.OpenVisitor(token); err != nil || got != v {
			t.Fatalf("%q does not open what it seals: %v", file, err)
		}
		next, err := AnnouncedSecrets(file)
		if err != nil {
			return // there are as many keys as there may be
		}
		for _, step := range []func([]byte) ([]byte, error){SwitchedSecrets, RetiredSecrets} {
			if next, err = step(next); err != nil {
				t.Fatalf("%q cannot be rotated: %v", file, err)
			}
		}
		if secrets, err = ParseSecrets(next); err != nil || len(secrets.keys) != 1 {
			t.Fatalf("after a rotation %q has %d keys, %v", file, len(secrets.keys), err)
		}
		s.Use(secrets)
		if _, err := s.OpenVisitor(token); err == nil {
			t.Errorf("%q: what a retired key has sealed is opened", file)
		}
	})
}
