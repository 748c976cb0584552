package images

import (
	"strings"
	"testing"
)

var owls = Of([]byte("owls"))

func TestANameIsReadOnlyAsItIsWritten(t *testing.T) {
	t.Parallel()
	hex := owls.String()
	f := func(digest, file string, want bool) {
		t.Helper()
		n, ok := ParseName(digest, file)
		if ok != want || ok && n.String() != digest+"/"+file {
			t.Errorf("%q, %q: %v %s", digest, file, ok, n)
		}
	}
	for _, s := range Shapes {
		f(hex, string(s.Variant)+".jpg", true)
	}
	f(hex, "thumb", false)
	f(hex, ".jpg", false)
	f(hex, "thumb.jpg.jpg", false)
	f(hex, "Thumb.jpg", false)
	f(hex, "thumb.png", false)
	f(hex, "original.jpg", false)
	f(hex, "../thumb.jpg", false)
	f(strings.ToUpper(hex), "thumb.jpg", false)
	f(hex[1:], "thumb.jpg", false)
	f(hex+"00", "thumb.jpg", false)
	f("..", "thumb.jpg", false)
	f(strings.Repeat("g", 64), "thumb.jpg", false)
	f("", "", false)
}

func FuzzParseName(f *testing.F) {
	f.Add(owls.String(), "thumb.jpg")
	f.Add("..", "../thumb.jpg")
	f.Fuzz(func(t *testing.T, digest, file string) {
		n, ok := ParseName(digest, file)
		if ok && n.String() != digest+"/"+file {
			t.Errorf("%q, %q is read as %s", digest, file, n)
		}
		if ok && strings.ContainsAny(digest+file, "/\\%") {
			t.Errorf("%q, %q is a name", digest, file)
		}
	})
}

func TestAPictureIsFoundWhereItIsServed(t *testing.T) {
	t.Parallel()
	f := func(cdn, stored string, v Variant, url, link string) {
		t.Helper()
		s, err := NewSite("https://usher.example/", cdn)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.URL(stored, v); got != url {
			t.Errorf("URL of %q: %q, want %q", stored, got, url)
		}
		if got := s.Link(stored, v); got != link {
			t.Errorf("link of %q: %q, want %q", stored, got, link)
		}
	}
	card := owls.String() + "/card.jpg"
	f("", Stored(owls), Card, "https://usher.example/images/"+card, "/images/"+card)
	f("https://cdn.example:8443/a/b/", Stored(owls), Card, "https://cdn.example:8443/a/b/"+card, "https://cdn.example:8443/a/b/"+card)
	f("", "", Card, "", "")
	for _, elsewhere := range []string{"https://img.example/a.png", "/images/" + card, "/images/x/full.jpg", Stored(owls)[1:], Stored(owls) + "?x", "javascript:alert(1)"} {
		f("", elsewhere, Full, elsewhere, "")
		f("https://cdn.example", elsewhere, Full, elsewhere, "")
	}
}

func TestAnAddressOfPicturesIsAnAddress(t *testing.T) {
	t.Parallel()
	f := func(cdn, origin string, ok bool) {
		t.Helper()
		s, err := NewSite("http://localhost:8080", cdn)
		if (err == nil) != ok || ok && s.Origin() != origin {
			t.Errorf("%q: origin %q, %v", cdn, s.Origin(), err)
		}
	}
	f("", "", true)
	f("https://cdn.example.com", "https://cdn.example.com", true)
	f("http://[::1]:9000/bucket/a%20b", "http://[::1]:9000", true)
	for _, bad := range []string{
		"cdn.example.com", "ftp://cdn.example.com", "https://", "//cdn.example.com", "https://user:secret@cdn.example.com", "https://cdn.example.com/?a=b", "https://cdn.example.com/#a",
		"https://a;script-src *", "https://a'b", "https://a,b", "https://*.example.com", "https://a b", "data:image/png,x",
	} {
		f(bad, "", false)
	}
}
