package command

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"usher/booking"
	"usher/internal/id"
)

var update = flag.Bool("update", false, "write golden files that are missing; those that exist never change")

var (
	hall    = id.Event(322<<27 | 7)
	issued  = time.Date(2026, 11, 24, 12, 0, 0, 123456000, time.UTC)
	session = booking.Session{Room: "final", JTI: "s-1"}
)

// v1 is every message of the first version, as it was written then. New versions get a list of their own.
var v1 = map[string]Command{
	"book": {ID: id.Key{1}, Kind: Book, Event: hall, Booking: id.Key{1}, Owner: id.Visitor{2}, Session: session, Seats: []int{3, 4, 93999},
		IssuedAt: issued, Deadline: issued.Add(10 * time.Second), Until: issued.Add(10 * time.Minute), ReplyTo: "gateway-1"},
	"begin_payment": {ID: id.Key{5}, Kind: BeginPayment, Event: hall, Booking: id.Key{1}, Owner: id.Visitor{2}, IssuedAt: issued,
		Until: issued.Add(5 * time.Minute), ReplyTo: "gateway-1", Attempt: id.Key{6}, Payment: booking.Payment{Method: "sandbox", Token: "tok_ok"}},
	"settle": {ID: id.Key{7}, Kind: Settle, Event: hall, Booking: id.Key{1}, IssuedAt: issued, Attempt: id.Key{6}, Outcome: Declined, Reason: "insufficient_funds"},
	"expire": {ID: id.Key{8}, Kind: Expire, Event: hall, Booking: id.Key{1}, IssuedAt: issued, Until: issued.Add(10 * time.Minute)},
	"cancel": {ID: id.Key{9}, Kind: Cancel, Event: hall, Booking: id.Key{1}, Owner: id.Visitor{2}, IssuedAt: issued, ReplyTo: "gateway-2"},
	"extend": {ID: id.Key{13}, Kind: Extend, Event: hall, Booking: id.Key{1}, Owner: id.Visitor{2}, IssuedAt: issued, Deadline: issued.Add(10 * time.Second),
		Until: issued.Add(20 * time.Minute), ReplyTo: "gateway-2"},
	"block":   {ID: id.Key{10}, Kind: Block, Event: hall, Seats: []int{0, 1}, IssuedAt: issued},
	"unblock": {ID: id.Key{11}, Kind: Unblock, Event: hall, Seats: []int{0, 1}, IssuedAt: issued},
	"fence":   {ID: id.Key{12}, Kind: Fence, Event: hall, Booking: id.Key{1}, IssuedAt: issued, Fenced: id.Key{1}},
}

func golden(t *testing.T, name string, encode func() ([]byte, error)) []byte {
	t.Helper()
	path := filepath.Join("testdata", "golden", name+".json")
	b, err := os.ReadFile(path)
	if os.IsNotExist(err) && *update {
		if b, err = encode(); err == nil {
			err = os.WriteFile(path, b, 0o644)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestOldCommandsStillParse(t *testing.T) {
	t.Parallel()
	for name, want := range v1 {
		got, err := Decode(golden(t, "v1_"+name, want.Encode))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s parses as %+v, %v; want %+v", name, got, err, want)
		}
	}
}

func TestOldResultsStillParse(t *testing.T) {
	t.Parallel()
	want := Result{
		Command: id.Key{1}, Event: hall, Booking: id.Key{1}, Kind: Book, Outcome: Done, Status: booking.Confirmed, Seats: []int{3, 4},
		Total: 21000, Currency: "EUR", ExpirationTime: issued, ConfirmationID: "04G0000000", Attempt: id.Key{6}, Settlement: Captured,
		Reason: "r", CreatedAt: issued, UpdatedAt: issued, Session: session, Taken: []int{9},
	}
	var got Result
	err := json.Unmarshal(golden(t, "v1_result", func() ([]byte, error) { return json.Marshal(want) }), &got)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("parses as %+v, %v; want %+v", got, err, want)
	}
}

func TestPoisonIsRefused(t *testing.T) {
	t.Parallel()
	f := func(why, message string) {
		t.Helper()
		if c, err := Decode([]byte(message)); err == nil {
			t.Errorf("%s: accepted as %+v", why, c)
		}
	}
	const known = `"id":"04000000000000000000000000","event":"18800007"`
	f("nothing", ``)
	f("no JSON", `{`)
	f("another kind of value", `[]`)
	f("unknown kind", `{`+known+`,"kind":"steal"}`)
	f("no kind", `{`+known+`}`)
	f("no id", `{"event":"18800007","kind":"cancel"}`)
	f("no event", `{"id":"04000000000000000000000000","kind":"cancel"}`)
	f("a seat below zero", `{`+known+`,"kind":"book","seats":[-1]}`)
	f("seats out of order", `{`+known+`,"kind":"book","seats":[2,1]}`)
	f("a seat twice", `{`+known+`,"kind":"book","seats":[1,1]}`)
	f("a seat past every stadium", `{`+known+`,"kind":"book","seats":[1048576]}`)
	f("too long", `{`+known+`,"kind":"cancel","reason":"`+string(make([]byte, MaxBytes))+`"}`)
	if _, err := Decode([]byte(`{` + known + `,"kind":"cancel","of_a_later_version":1}`)); err != nil {
		t.Errorf("an unknown member was refused: %v", err)
	}
}

func TestACommandsIDFollowsFromItsKey(t *testing.T) {
	t.Parallel()
	a := KeyOf(id.Visitor{1}, "POST /booking", "k1")
	if a != KeyOf(id.Visitor{1}, "POST /booking", "k1") {
		t.Error("the same request has two ids")
	}
	for _, other := range []id.Key{
		KeyOf(id.Visitor{2}, "POST /booking", "k1"), KeyOf(id.Visitor{1}, "POST /booking/x", "k1"), KeyOf(id.Visitor{1}, "POST /booking", "k2"),
	} {
		if other == a {
			t.Error("two requests have one id")
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, c := range v1 {
		b, err := c.Encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := Decode(b)
		if err != nil {
			return
		}
		again, err := c.Encode()
		if err != nil {
			return // longer than it came: escapes
		}
		if back, err := Decode(again); err != nil || !back.IssuedAt.Equal(c.IssuedAt) || back.ID != c.ID || back.Kind != c.Kind {
			t.Errorf("%s came back as %+v, %v", again, back, err)
		}
	})
}

func FuzzUnmarshalResult(f *testing.F) {
	b, err := os.ReadFile(filepath.Join("testdata", "golden", "v1_result.json"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(`{"command":"04000000000000000000000000","outcome":"seats_taken","taken":[3]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var r Result
		if json.Unmarshal(b, &r) != nil || r.Event == 0 { // no event: nothing that a worker tells
			return
		}
		again, err := json.Marshal(r)
		if err != nil {
			return // a time outside the years that JSON knows
		}
		var back Result
		if err := json.Unmarshal(again, &back); err != nil || back.Command != r.Command || back.Outcome != r.Outcome || len(back.Taken) != len(r.Taken) {
			t.Errorf("%s came back as %+v, %v", again, back, err)
		}
	})
}
