package gateway

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"usher/catalog"
	"usher/gateway/lang"
	"usher/gateway/page"
	"usher/images"
	"usher/search"
)

// fakeImages has one picture in every shape.
type fakeImages struct {
	mu     sync.Mutex // guards all below
	err    error
	open   int           // that were not closed
	stands chan struct{} // when set, reading waits until it is closed
}

var owls = images.Of([]byte("owls"))

const owlsPicture = "a picture of owls"

func (f *fakeImages) Open(_ context.Context, n images.Name) (*images.Object, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return nil, f.err
	}
	if n.Digest != owls {
		return nil, images.ErrNotFound
	}
	f.open++
	return &images.Object{ReadCloser: &fakeFile{strings.NewReader(owlsPicture), f, f.stands}, Size: int64(len(owlsPicture)), Tag: "t1-" + string(n.Variant)}, nil
}

func (f *fakeImages) away(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

// closed waits until nothing is open: an answer is out before its body is closed.
func (f *fakeImages) closed(t *testing.T) {
	t.Helper()
	open := -1
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(time.Millisecond) {
		f.mu.Lock()
		open = f.open
		f.mu.Unlock()
		if open == 0 {
			return
		}
	}
	t.Fatalf("%d pictures are still open", open)
}

type fakeFile struct {
	io.Reader
	of     *fakeImages
	stands chan struct{}
}

func (f *fakeFile) Read(p []byte) (int, error) {
	if f.stands != nil {
		<-f.stands
	}
	return f.Reader.Read(p)
}

func (f *fakeFile) Close() error {
	f.of.mu.Lock()
	defer f.of.mu.Unlock()
	f.of.open--
	return nil
}

func imagePath(v images.Variant) string {
	return images.Path + images.Name{Digest: owls, Variant: v}.String()
}

func TestAPictureMayBeKeptForEver(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	for _, s := range images.Shapes {
		r := e.want(200, "", "GET", imagePath(s.Variant), "")
		tag := `"t1-` + string(s.Variant) + `"`
		for name, want := range map[string]string{
			"Content-Type": "image/jpeg", "Cache-Control": "public, max-age=31536000, immutable", "ETag": tag, "X-Content-Type-Options": "nosniff",
		} {
			if got := r.header.Get(name); got != want {
				t.Errorf("%s of %s: %q, want %q", name, s.Variant, got, want)
			}
		}
		if r.raw != owlsPicture {
			t.Errorf("%s: %q", s.Variant, r.raw)
		}
		if r = e.want(304, "", "GET", imagePath(s.Variant), "", "If-None-Match", tag); r.raw != "" || r.header.Get("ETag") != tag {
			t.Errorf("again: %v %q", r.header, r.raw)
		}
		e.want(200, "", "GET", imagePath(s.Variant), "", "If-None-Match", `"t0"`)
		if r := e.do("HEAD", imagePath(s.Variant), ""); r.status != 200 || r.raw != "" || r.header.Get("Content-Length") != "17" {
			t.Errorf("HEAD: %d %v", r.status, r.header)
		}
	}
	e.images.closed(t)
}

func TestWhatIsNoPictureIsNotServed(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	hex := owls.String()
	for _, path := range []string{
		"/images/" + images.Of(nil).String() + "/thumb.jpg", "/images/" + hex + "/original.jpg", "/images/" + hex + "/thumb.png", "/images/" + hex + "/thumb",
		"/images/" + strings.ToUpper(hex) + "/thumb.jpg", "/images/" + hex[:63] + "/thumb.jpg", "/images/" + hex + "/", "/images/" + hex, "/images/../secrets.json",
		"/images/" + hex + "/..%2f..%2fsecrets.json", "/images/" + hex + "/../thumb.jpg", "/images//" + hex + "/thumb.jpg", "/images/" + hex + "/thumb.jpg/", "/images/" + hex + "\\thumb.jpg",
	} {
		if r := e.want(404, "not-found", "GET", path, ""); r.header.Get("Cache-Control") != "no-store" || r.header.Get("ETag") != "" {
			t.Errorf("%s: %v", path, r.header)
		}
	}
	e.want(400, "invalid-request", "GET", imagePath(images.Thumb)+"?v=1", "")
	without := newEdge(t, func(_ *Config, p *Parts) { p.Images = nil })
	without.want(404, "not-found", "GET", imagePath(images.Thumb), "")
}

func TestAStoreOfPicturesThatIsAwayIsNotKept(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	e.images.away(errors.New("the disk is gone"))
	r := e.want(503, "store-unavailable", "GET", imagePath(images.Thumb), "")
	if r.header.Get("Cache-Control") != "no-store" || r.header.Get("Retry-After") == "" || strings.Contains(r.raw, "disk") {
		t.Errorf("%v %s", r.header, r.raw)
	}
	e.images.away(nil)
	e.want(200, "", "GET", imagePath(images.Thumb), "")
}

// Each picture that is on its way holds a place; when none is left more are refused, and given back places are used again.
func TestPicturesOnTheirWayAreBounded(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	e.Server.pictures = make(chan struct{}, 2)
	stands := make(chan struct{})
	e.images.stands = stands
	var slow sync.WaitGroup
	for range 2 {
		slow.Go(func() {
			if r := e.do("GET", imagePath(images.Thumb), ""); r.raw != owlsPicture {
				t.Errorf("%d %q", r.status, r.raw)
			}
		})
	}
	for end := time.Now().Add(patience); len(e.Server.pictures) < 2 && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	e.want(503, "overloaded", "GET", imagePath(images.Thumb), "")
	close(stands)
	slow.Wait()
	e.images.closed(t)
	for i := range 10 { // each gives its place back, whatever came of it
		e.do([]string{"GET", "HEAD"}[i%2], imagePath(images.Thumb), "", "If-None-Match", []string{"", `"t1-thumb"`}[i/2%2])
		e.do("GET", "/images/"+images.Of(nil).String()+"/thumb.jpg", "")
		e.images.closed(t)
	}
	e.want(200, "", "GET", imagePath(images.Thumb), "")
}

func TestPicturesInTheAPIHaveWholeAddresses(t *testing.T) {
	t.Parallel()
	f := func(cdn, stored, want string) {
		t.Helper()
		site, err := images.NewSite("http://usher.test", cdn)
		if err != nil {
			t.Fatal(err)
		}
		e := newEdge(t, func(c *Config, _ *Parts) { c.Site = site })
		e.search.page = func(search.Query) search.Page {
			hits := someHits(1)
			hits[0].ImageURL = stored
			return search.Page{Events: hits, Total: 1}
		}
		r := e.want(200, "", "GET", api+"/events/search", "")
		if want = `"s3_image_url":` + want; !strings.Contains(r.raw, want) {
			t.Errorf("no %s in %s", want, r.raw)
		}
	}
	full := owls.String() + "/full.jpg"
	f("", images.Stored(owls), `"http://usher.test/images/`+full+`"`)
	f("https://cdn.example/x", images.Stored(owls), `"https://cdn.example/x/`+full+`"`)
	f("https://cdn.example/x", "https://img.example/a.png", `"https://img.example/a.png"`)
	f("", "", `null`)
}

// Pages load pictures from their own site, or from the one place that the policy names then and only then.
func TestPagesShowPicturesAndThePolicyAllowsJustThem(t *testing.T) {
	t.Parallel()
	for cdn, origin := range map[string]string{"": "", "https://cdn.example:8443/x": " https://cdn.example:8443"} {
		site, err := images.NewSite("http://usher.test", cdn)
		if err != nil {
			t.Fatal(err)
		}
		e := newEdge(t, func(c *Config, _ *Parts) { c.Site = site })
		e.search.page = func(search.Query) search.Page {
			hits := someHits(2)
			hits[0].ImageURL, hits[1].ImageURL = images.Stored(owls), "https://img.example/a.png"
			return search.Page{Events: hits, Total: 2}
		}
		e.catalog.show = func(s *catalog.Show) { soon(s); s.ImageURL = images.Stored(owls) }
		link := func(v images.Variant) string { return site.Link(images.Stored(owls), v) }
		list := e.want(200, "", "GET", "/", "", asPerson...)
		list.holds(t, `<img src="`+link(images.Thumb)+`" width="320" height="320" alt="" loading="lazy"`)
		list.lacks(t, "img.example")
		if n := strings.Count(list.raw, "<img"); n != 1 {
			t.Errorf("%d pictures in a list of one", n)
		}
		shown := e.want(200, "", "GET", "/events/"+guarded.String(), "", asPerson...)
		shown.holds(t, `<img src="`+link(images.Card)+`" srcset="`+link(images.Card)+` 800w, `+link(images.Wide)+` 1600w"`, `width="1600" height="900"`, `alt="A &lt;match&gt;"`,
			`<meta property="og:image" content="`+site.URL(images.Stored(owls), images.Wide)+`">`, `"image":"`+site.URL(images.Stored(owls), images.Wide)+`"`)
		for _, r := range []reply{list, shown} {
			policy := r.header.Get("Content-Security-Policy")
			if want := "img-src 'self'" + origin + " data:;"; !strings.Contains(policy, want) || strings.Count(policy, "cdn.example") != strings.Count(origin, "cdn.example") {
				t.Errorf("policy %q, want %q", policy, want)
			}
		}
		if policy := e.want(200, "", "GET", "/rooms/"+roomName, "", asPerson...).header.Get("Content-Security-Policy"); strings.Contains(policy, "cdn.example") {
			t.Errorf("the waiting room loads pictures: %q", policy)
		}
	}
}

// A picture is a decoration of a list: nothing of a page needs it.
func TestAPageWithoutAPictureHasItsDrawing(t *testing.T) {
	t.Parallel()
	s := New(Config{PublicURL: "http://usher.test"}, Parts{})
	show, err := newFakeCatalog().Show(t.Context(), unguarded)
	if err != nil {
		t.Fatal(err)
	}
	data := s.newEventPage(lang.English(), show, noon)
	text, err := page.Render("event", page.Frame{Lang: lang.English(), Title: show.Name, Data: data})
	if err != nil || bytes.Contains(text, []byte("<img")) || !bytes.Contains(text, []byte(`<div class="hero"><svg class="art"`)) {
		t.Errorf("%v %s", err, text)
	}
}
