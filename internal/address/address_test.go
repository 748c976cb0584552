package address

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

const planted = "pa55-of-the-store"

func TestAURLIsTakenApart(t *testing.T) {
	t.Parallel()
	f := func(text string, want Address) {
		t.Helper()
		got, err := Parse(text, "ca", "sasl")
		if err != nil {
			t.Errorf("%s: %v", text, err)
			return
		}
		if len(got.Options) == 0 {
			got.Options = nil
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, want %+v", text, got, want)
		}
	}
	f("redis://h:1", Address{Scheme: "redis", Hosts: []string{"h:1"}})
	f("rediss://u:p@h:1/2", Address{Scheme: "rediss", User: "u", Password: "p", Hosts: []string{"h:1"}, Path: "2"})
	f("redis://:p@h:1,[::1]:2", Address{Scheme: "redis", Password: "p", Hosts: []string{"h:1", "[::1]:2"}})
	f("x://u:p%40%2F%23:%25@h:1?ca=%2Fa+b", Address{Scheme: "x", User: "u", Password: "p@/#:%", Hosts: []string{"h:1"}, Options: map[string][]string{"ca": {"/a b"}}})
	f("x://u:a@b@h:1", Address{Scheme: "x", User: "u", Password: "a@b", Hosts: []string{"h:1"}}) // kindly
}

func TestWhatIsNoURLIsRefusedWithoutQuotingIt(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		planted, "://" + planted, "redis://", "redis://u:" + planted + "@", "redis://u:" + planted + "@h", "redis://u:" + planted + "@h:",
		"redis://u:" + planted + "/x@h:1", "redis://u:" + planted + "#@h:1", "redis://u:" + planted + "%zz@h:1", "redis://u:" + planted + "@h:1,",
		"redis://u:" + planted + " @h:1", "redis://u@h:1?password=" + planted, "redis://u@h:1?ca=a&ca=" + planted, "redis://u@h:1?" + planted,
		"redis://u:" + planted + "@h:1?ca=%zz", "redis://u:" + planted + "@h:1" + strings.Repeat(",h:1", maxHosts),
		"redis://u:" + planted + strings.Repeat("x", maxLength) + "@h:1",
	} {
		_, err := Parse(text, "ca")
		if err == nil {
			t.Errorf("%.80s was accepted", text)
		} else if strings.Contains(err.Error(), planted) {
			t.Errorf("the error quotes the password: %v", err)
		}
	}
}

func TestAPasswordIsPutIntoAURL(t *testing.T) {
	t.Parallel()
	const password = `p@ss/w:o#r%d "é`
	for _, text := range []string{"redis://u@h:1,h:2/m?ca=x", "redis://h:1"} {
		with, err := WithPassword(text, password)
		if err != nil {
			t.Fatal(err)
		}
		a, err := Parse(with, "ca")
		before, _ := Parse(text, "ca")
		if err != nil || a.Password != password || a.User != before.User || !reflect.DeepEqual(a.Hosts, before.Hosts) || a.Path != before.Path {
			t.Errorf("%s became %+v, %v", text, a, err)
		}
	}
	if two, err := WithPassword("http://u@a:1,http://u@b:2/x", "p/w"); err != nil || two != "http://u:p%2Fw@a:1,http://u:p%2Fw@b:2/x" {
		t.Errorf("two URLs became %q, %v", two, err)
	}
	for _, text := range []string{"redis://u:" + planted + "@h:1", "h:1", planted, "http://u@a:1,b:2,http://u@c:3", "http://u@a:1http://" + planted} {
		if _, err := WithPassword(text, "p"); err == nil || strings.Contains(err.Error(), planted) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestFilesAreReadWithinBounds(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(text string) string {
		name := filepath.Join(dir, "f"+strings.Repeat("x", len(text)%50))
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	if got, err := Secret(file("word\r\n")); err != nil || got != "word" {
		t.Errorf("%q, %v", got, err)
	}
	for _, text := range []string{"", "\n", planted + "\nmore", strings.Repeat("s", maxSecret+1)} {
		if _, err := Secret(file(text)); err == nil || strings.Contains(err.Error(), planted) {
			t.Errorf("a file of %d bytes: %v", len(text), err)
		}
	}
	if _, err := Secret(filepath.Join(dir, "nowhere")); err == nil {
		t.Error("a missing file holds a secret")
	}
	for _, ca := range []string{file("no certificate"), filepath.Join(dir, "nowhere"), dir} {
		if _, err := (Address{Options: map[string][]string{"ca": {ca}}}).TLS(); err == nil || !strings.Contains(err.Error(), ca) {
			t.Errorf("ca=%s: %v", ca, err)
		}
	}
	if c, err := (Address{}).TLS(); err != nil || c.RootCAs != nil || c.InsecureSkipVerify {
		t.Errorf("without a file: %+v, %v", c, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("rediss://u:p@h:1,h:2/m?ca=x")
	f.Add("a://@[::1]:0?ca=")
	f.Fuzz(func(t *testing.T, text string) {
		a, err := Parse(text, "ca")
		if err == nil && (len(a.Hosts) == 0 || a.Scheme == "") {
			t.Errorf("%q: %+v", text, a)
		}
	})
}
