package s3

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/minio/minio-go/v7"

	"usher/images"
	"usher/images/imagestest"
	"usher/internal/testenv"
)

// server is a place on the S3 server of this run, and its environment.
func server(t *testing.T) (address string, getenv func(string) string) {
	t.Helper()
	address, environment := testenv.Bucket(t)
	return address, func(name string) string { return environment[name] }
}

func open(t *testing.T) *Store {
	t.Helper()
	address, getenv := server(t)
	s, err := Open(address, getenv)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var owls = images.Name{Digest: images.Of([]byte("owls")), Variant: images.Card}

func TestABucketKeepsThePromisesOfAStore(t *testing.T) {
	t.Parallel()
	imagestest.Run(t, func(t *testing.T) images.Store { return open(t) })
}

// What browsers need stands at the object: a CDN or the bucket itself passes it on.
func TestAnObjectSaysWhatItIsAndThatItMayBeKept(t *testing.T) {
	t.Parallel()
	s := open(t)
	if err := s.Put(t.Context(), owls, []byte("x")); err != nil {
		t.Fatal(err)
	}
	info, err := s.client.StatObject(t.Context(), s.Bucket, s.Prefix+"/"+owls.String(), minio.StatObjectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if info.ContentType != "image/jpeg" || info.Metadata.Get("Cache-Control") != immutable {
		t.Errorf("the object is %q, %q", info.ContentType, info.Metadata)
	}
}

func TestABucketThatIsMissingOrClosedIsTold(t *testing.T) {
	t.Parallel()
	s := open(t)
	if err := s.Check(t.Context()); err != nil {
		t.Errorf("the bucket: %v", err)
	}
	address, getenv := server(t)
	nowhere, err := Open(strings.Replace(address, "s3://"+s.Bucket, "s3://nowhere", 1), getenv)
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := Open(address, func(string) string { return "stranger" })
	if err != nil {
		t.Fatal(err)
	}
	for why, s := range map[string]*Store{"no bucket": nowhere, "no right": stranger} {
		if err := s.Check(t.Context()); err == nil {
			t.Errorf("%s: the check finds nothing", why)
		}
		if err := s.Put(t.Context(), owls, []byte("x")); err == nil {
			t.Errorf("%s: it was put", why)
		}
		if _, err := s.Open(t.Context(), owls); err == nil || errors.Is(err, images.ErrNotFound) {
			t.Errorf("%s: opening it says %v", why, err)
		}
		if err := s.Check(t.Context()); err != nil && strings.Contains(err.Error(), "stranger") && why == "no right" {
			t.Errorf("the secret is told: %v", err)
		}
	}
}

// A server that is away, or that is none, is no picture that is missing.
func TestAServerThatIsAwayIsAFault(t *testing.T) {
	t.Parallel()
	broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }))
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	t.Cleanup(broken.Close)
	for _, endpoint := range []string{broken.URL, gone.URL} {
		s, err := Open("s3://usher?region=us-east-1&endpoint="+endpoint, func(string) string { return "secret" })
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		if _, err := s.Open(ctx, owls); err == nil || errors.Is(err, images.ErrNotFound) {
			t.Errorf("open: %v", err)
		}
		if _, err := s.Has(ctx, owls); err == nil && endpoint == gone.URL {
			t.Error("a server that is away has nothing")
		}
		if err := s.Put(ctx, owls, []byte("x")); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("put: %v", err)
		}
		cancel()
	}
}

func TestAnAddressOfABucket(t *testing.T) {
	t.Parallel()
	f := func(address string, want Place) {
		t.Helper()
		got, err := Parse(address)
		if err != nil || got != want {
			t.Errorf("%s: %+v, %v", address, got, err)
		}
	}
	f("s3://pictures", Place{Bucket: "pictures", Endpoint: "s3.amazonaws.com", Secure: true})
	f("s3://pictures/", Place{Bucket: "pictures", Endpoint: "s3.amazonaws.com", Secure: true})
	f("s3://pictures/a/b/?endpoint=http://127.0.0.1:9000&region=eu-1", Place{Bucket: "pictures", Prefix: "a/b", Endpoint: "127.0.0.1:9000", Region: "eu-1"})
	for address, why := range map[string]string{
		"s3://": "want the form", "http://pictures": "want the form", "pictures": "want the form", "s3://key:secret@pictures": "AWS_ACCESS_KEY_ID",
		"s3://pictures?secret=x": "not known", "s3://pictures?region=a&region=b": "twice", "s3://pictures?endpoint=127.0.0.1": "want the form https",
		"s3://pictures?endpoint=https://a/b": "want the form https", "s3://pictures?endpoint=https://u:p@a": "want the form https", "s3://pictures/a/../b": "dotted", "s3://pictures/a//b": "dotted",
	} {
		if _, err := Parse(address); err == nil || !strings.Contains(err.Error(), why) || strings.Contains(err.Error(), "key:secret") {
			t.Errorf("%s: %v, want …%s…", address, err, why)
		}
	}
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} {
		_, err := Open("s3://pictures", func(asked string) string { return strings.TrimPrefix(asked, name) })
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("without %s: %v", name, err)
		}
	}
}
