package change

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"usher/internal/id"
)

func sample(k Kind) Change {
	return Change{Kind: k, Event: id.Event(322<<27 | 7), Version: 3, At: time.Date(2026, 11, 24, 12, 0, 0, 123456000, time.UTC)}
}

// Golden files never change: a log may still hold what they hold.
func TestOldChangesStillParse(t *testing.T) {
	t.Parallel()
	for _, k := range []Kind{Changed, Restocked} {
		b, err := os.ReadFile(filepath.Join("testdata", "golden", "v1_"+string(k)+".json"))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Decode(b); err != nil || got != sample(k) {
			t.Errorf("%s parses as %+v, %v", k, got, err)
		}
	}
}

func TestWhatIsNoChangeIsUnreadable(t *testing.T) {
	t.Parallel()
	f := func(b string) {
		t.Helper()
		if c, err := Decode([]byte(b)); !errors.Is(err, ErrUnreadable) || c != (Change{}) {
			t.Errorf("Decode(%.60q) = %+v, %v", b, c, err)
		}
	}
	f("")
	f("null")
	f("{")
	f(`[]`)
	f(`{"kind":"event.changed"}`)
	f(`{"kind":"event.changed","event":"17R00019"}`)
	f(`{"kind":"event.changed","event":7}`)
	f(`{"kind":"event.vanished","event":"17r00019"}`)
	f(`{"kind":"event.changed","event":"17r00019","at":"yesterday"}`)
	f(`{"kind":"event.changed","event":"17r00019","more":"` + strings.Repeat("x", maxSize) + `"}`)
}

func FuzzDecode(f *testing.F) {
	for _, k := range []Kind{Changed, Restocked} {
		b, err := json.Marshal(sample(k))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(`{"kind":"event.changed","event":"17r00019","version":-1,"at":"0000-01-01T00:00:00Z"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := Decode(b)
		if err != nil {
			return
		}
		again, err := json.Marshal(c)
		if err != nil {
			t.Fatalf("%+v cannot be written: %v", c, err)
		}
		if back, err := Decode(again); err != nil || back.Event != c.Event || back.Kind != c.Kind || back.Version != c.Version || !back.At.Equal(c.At) {
			t.Errorf("%s came back as %+v, %v", again, back, err)
		}
	})
}
