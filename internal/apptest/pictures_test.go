package apptest

import (
	"bytes"
	"encoding/base64"
	"image/jpeg"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"usher/catalog/poster"
	"usher/internal/browser"
	"usher/internal/testenv"
)

// withPictures gives each event of a catalog a picture of its own, in the file itself.
func withPictures(t *testing.T, catalog string) string {
	t.Helper()
	parts := strings.SplitAfter(catalog, `{"type": "event", `)
	for i := range parts[:len(parts)-1] {
		var b bytes.Buffer
		if err := jpeg.Encode(&b, poster.Draw(parts[i+1]), nil); err != nil {
			t.Fatal(err)
		}
		parts[i] += `"image": "data:image/jpeg;base64,` + base64.StdEncoding.EncodeToString(b.Bytes()) + `", `
	}
	return strings.Join(parts, "")
}

// TestAPictureGoesFromTheImportToWhoeverAsks: one address in the view and in the search, which may be kept for ever.
func TestAPictureGoesFromTheImportToWhoeverAsks(t *testing.T) {
	t.Parallel()
	s := Start(t, Options{Catalog: withPictures(t, threeEvents(6)), Env: map[string]string{"USHER_IMAGES": filepath.Join(t.TempDir(), "images")}})
	s.pictureIsServed(s.Public[0] + "/images/")
}

// TestAPictureGoesThroughABucket: the same when pictures are kept in a private one, from which a gateway serves them.
func TestAPictureGoesThroughABucket(t *testing.T) {
	t.Parallel()
	place, env := testenv.Bucket(t)
	env["USHER_IMAGES"] = place
	s := Start(t, Options{Catalog: withPictures(t, threeEvents(6)), Env: env})
	s.pictureIsServed(s.Public[0] + "/images/")
}

// pictureIsServed looks for the picture of an event at an address that begins so, and in every shape.
func (s *System) pictureIsServed(begins string) {
	t := s.t
	t.Helper()
	fan := NewFan(t, client, s.Public[0])
	event := s.eventNamed("gig")
	view := must(t, fan.Do("GET", "/api/v1/events/"+event, nil), 200)
	address := view.Body["event"].(map[string]any)["s3_image_url"].(string)
	found := must(t, fan.Do("GET", "/api/v1/events/search?performer=The+gig+Band", nil), 200)
	if listed := found.Body["events"].([]any)[0].(map[string]any)["s3_image_url"]; listed != address || !strings.HasPrefix(address, begins) {
		t.Errorf("the search says %v, the view %s", listed, address)
	}
	for _, variant := range []string{"full", "wide", "card", "thumb"} {
		answer, err := http.Get(strings.Replace(address, "full.jpg", variant+".jpg", 1))
		if err != nil {
			t.Fatal(err)
		}
		picture, err := jpeg.Decode(answer.Body)
		rest, _ := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if err != nil || picture.Bounds().Empty() || len(rest) > 2 || answer.Header.Get("Cache-Control") != "public, max-age=31536000, immutable" {
			t.Errorf("%s: %s, %v, %v", variant, answer.Status, err, answer.Header)
		}
	}
}

// TestInABrowserEventsHavePictures: on the list and on the event's page, within the budgets, and nothing moves when they come.
func TestInABrowserEventsHavePictures(t *testing.T) {
	t.Parallel()
	s := Start(t, Options{Catalog: withPictures(t, threeEvents(40)), Env: map[string]string{"USHER_IMAGES": filepath.Join(t.TempDir(), "images")}})
	// loaded are the widths of the files that the pictures of a page have come from; 0: not come yet.
	const loaded = `[...document.querySelectorAll("main img")].map((i) => i.complete ? i.naturalWidth : 0).join()`
	onEveryDevice(t, s, func(t *testing.T, b *browser.Tab) {
		frugal(t, b, "/", browser.Load.Faults)
		if widths := browser.Evaluate[string](b, loaded); widths != "320,320,320" {
			t.Errorf("pictures of the list: %s", widths)
		}
		b.Check()
		b.Screen("pictures-search")
		b.Click("link", "gig")
		b.SeeTitle("gig")
		frugal(t, b, b.Path(), browser.Load.Faults)
		if widths := browser.Evaluate[string](b, loaded); widths == "" || widths == "0" {
			t.Errorf("picture of the event: %q", widths)
		}
		b.Check()
		b.Screen("pictures-event")
	})
}
