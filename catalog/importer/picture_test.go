package importer

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"image/jpeg"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"usher/catalog/poster"
	"usher/images"
	"usher/images/folder"
	"usher/images/intake"
)

// gallery is an empty store of pictures.
func gallery(t *testing.T) *folder.Store {
	t.Helper()
	s, err := folder.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// drawing is a picture as a file.
func drawing(t *testing.T, words string) []byte {
	t.Helper()
	file, err := drawPoster(words)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// pictured are events of one hall, each with its picture; "": none.
func pictured(images ...string) string {
	lines, _, _ := strings.Cut(small, `{"type":"event"`)
	for i, image := range images {
		if image != "" {
			image = fmt.Sprintf(`,"image":%q`, image)
		}
		lines += fmt.Sprintf(`{"type":"event","id":"e%d","name":"E","venue":"hall","performers":["owls"],"start_time":"2027-02-01T20:00:00","currency":"CAD","prices":{"A":1,"B":1,"C":1}%s}`+"\n", i, image)
	}
	return lines
}

const imagesOf = `SELECT string_agg(external_id || ' ' || coalesce(s3_image_url, '-'), ' ' ORDER BY external_id) FROM events`

func TestPicturesComeWithTheirEvents(t *testing.T) {
	t.Parallel()
	dsn, store := database(t), gallery(t)
	owls, ferries := drawing(t, "owls"), drawing(t, "ferries")
	data := "data:image/jpeg;base64," + base64.StdEncoding.EncodeToString(ferries)
	path := file(t, "a.jsonl", pictured("pictures/owls.jpg", data, "", "pictures/owls.jpg"))
	if err := os.Mkdir(filepath.Join(filepath.Dir(path), "pictures"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(filepath.Dir(path), "pictures", "owls.jpg"), owls, 0o600); err != nil {
		t.Fatal(err)
	}
	o := Options{Postgres: dsn, Images: store, Files: []string{path}}
	if out, err := run(t, o); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	first, second := images.Stored(images.Of(owls)), images.Stored(images.Of(ferries))
	want := "e0 " + first + " e1 " + second + " e2 - e3 " + first
	if got := ask(t, dsn, imagesOf); got != want {
		t.Errorf("events keep %s, want %s", got, want)
	}
	for _, picture := range [][]byte{owls, ferries} {
		for _, s := range images.Shapes {
			object, err := store.Open(t.Context(), images.Name{Digest: images.Of(picture), Variant: s.Variant})
			if err != nil {
				t.Fatal(err)
			}
			if m, err := jpeg.Decode(object); err != nil || m.Bounds().Empty() {
				t.Errorf("%s: %v", s.Variant, err)
			}
			_ = object.Close()
		}
	}
	before := ask(t, dsn, facts)
	if out, err := run(t, o); err != nil || ask(t, dsn, facts) != before {
		t.Errorf("the same import again changes something: %v\n%s", err, out)
	}
	// Another picture is a change, which is told; no picture is one, too.
	if err := os.WriteFile(path, []byte(pictured(data, "")), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := run(t, o); err != nil || !strings.Contains(out, "events     0 added, 2 changed") {
		t.Errorf("%v\n%s", err, out)
	}
	if got := ask(t, dsn, imagesOf); !strings.HasPrefix(got, "e0 "+second+" e1 - ") {
		t.Errorf("events keep %s", got)
	}
}

func TestBadPicturesAreRefusedWithTheirEvents(t *testing.T) {
	t.Parallel()
	dsn := database(t)
	outside := filepath.Join(t.TempDir(), "outside.jpg")
	if err := os.WriteFile(outside, drawing(t, "outside"), 0o600); err != nil {
		t.Fatal(err)
	}
	list := []string{
		outside, "../" + filepath.Base(filepath.Dir(outside)) + "/outside.jpg", "a/../../x.jpg", "", "link.jpg", "folder", "pipe", "missing.jpg", "page.jpg",
		"https://img.example/a.jpg", "http://169.254.169.254/latest/meta-data", "file:///etc/passwd", "data:image/png,x", "data:image/png;base64,%%%", "good.jpg", strings.Repeat("x", 1001),
	}
	path := file(t, "bad.jsonl", pictured(list...)+strings.Replace(strings.Split(pictured("good.jpg"), "\n")[2], `"image"`, `"image_url":"https://img.example/a.png","image"`, 1))
	dir := filepath.Dir(path)
	for name, content := range map[string][]byte{"good.jpg": drawing(t, "good"), "page.jpg": []byte("<html>")} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.Symlink(outside, filepath.Join(dir, "link.jpg")), os.Mkdir(filepath.Join(dir, "folder"), 0o700), syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600)); err != nil {
		t.Fatal(err)
	}
	out, err := run(t, Options{Postgres: dsn, Images: gallery(t), Files: []string{path}})
	if !errors.Is(err, ErrRefused) {
		t.Errorf("the import ended with %v", err)
	}
	for i, want := range []string{
		"no path below the folder", "no path below the folder", "no path below the folder", "", "path escapes", "no regular file", "no regular file", "no such file", "no JPEG, PNG, GIF or WebP",
		"pictures are not fetched", "pictures are not fetched", "pictures are not fetched", "want the form data:", "illegal base64", "", "no path below the folder", "give either image or image_url",
	} {
		told := fmt.Sprintf("bad.jsonl, line %d: ", i+3)
		_, rest, refused := strings.Cut(out, told)
		reason, _, _ := strings.Cut(rest, "\n")
		if refused != (want != "") || !strings.Contains(reason, want) {
			t.Errorf("line %d: %q, want …%s…", i+3, reason, want)
		}
	}
	if got := ask(t, dsn, `SELECT string_agg(external_id, ' ' ORDER BY external_id) FROM events`); got != "e14 e3" {
		t.Errorf("events %s, want e14 e3\n%s", got, out)
	}
}

func TestWithoutAPlaceForPicturesThoseWhoBringOneAreTold(t *testing.T) {
	t.Parallel()
	out, err := run(t, Options{Postgres: database(t), Files: []string{file(t, "a.jsonl", pictured("owls.jpg", ""))}})
	if !errors.Is(err, ErrRefused) || !strings.Contains(out, "a.jsonl, line 3: image: no place for pictures: name one with --images") || strings.Contains(out, "line 4") {
		t.Errorf("%v\n%s", err, out)
	}
}

// A store that fails ends the import: leaving out every event from then on would be no help.
func TestAStoreOfPicturesThatFailsEndsTheImport(t *testing.T) {
	t.Parallel()
	store := gallery(t)
	_ = store.Close()
	data := "data:image/jpeg;base64," + base64.StdEncoding.EncodeToString(drawing(t, "owls"))
	if out, err := run(t, Options{Postgres: database(t), Images: store, Files: []string{file(t, "a.jsonl", pictured(data))}}); err == nil || errors.Is(err, ErrRefused) || errors.Is(err, intake.ErrRefused) {
		t.Errorf("%v\n%s", err, out)
	}
}

// The demo has a poster for each act and each group or round, made once however many events share it.
func TestTheDemoHasPosters(t *testing.T) {
	t.Parallel()
	dsn, store := database(t), gallery(t)
	if out, err := run(t, Options{Postgres: dsn, Images: store, Demo: true}); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if got := ask(t, dsn, `SELECT count(*)::text, count(s3_image_url)::text, count(DISTINCT s3_image_url)::text FROM events`); got != "434 434 56" {
		t.Errorf("events, those with a poster, and posters: %s, want 434 434 56", got)
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, poster.Draw("The Copper Owls"), &jpeg.Options{Quality: posterQuality}); err != nil {
		t.Fatal(err)
	}
	if there, err := store.Has(t.Context(), images.Name{Digest: images.Of(b.Bytes()), Variant: images.Full}); err != nil || !there {
		t.Errorf("the poster of an act is not there: %v", err)
	}
}
