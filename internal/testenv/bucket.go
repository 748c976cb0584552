package testenv

import (
	"net/url"
	"os"
	"testing"
)

// BucketVariable names an S3 server and a bucket of it, as http://KEY:SECRET@HOST:PORT/BUCKET; "required": a test that needs one fails without. Command
// internal/testenv/s3 sets it.
const BucketVariable = "USHER_TEST_S3"

// Bucket returns a place in a bucket for this test alone, as --images takes it, and what the environment must hold to use it. Without a server the
// test is skipped, or fails where one is required. Asked again a test gets the same place.
func Bucket(t testing.TB) (place string, environment map[string]string) {
	t.Helper()
	const how = "it needs an S3 server: make s3"
	given := os.Getenv(BucketVariable)
	switch given {
	case "", "skip":
		t.Skip(how)
	case "required":
		t.Fatalf("testenv: %s says that a server is required and names none; %s", BucketVariable, how)
	}
	u, err := url.Parse(given)
	must(t, "read "+BucketVariable, err)
	secret, _ := u.User.Password()
	endpoint := url.URL{Scheme: u.Scheme, Host: u.Host}
	place = "s3:/" + u.Path + "/" + url.PathEscape(t.Name()) + "?region=us-east-1&endpoint=" + url.QueryEscape(endpoint.String())
	return place, map[string]string{"AWS_ACCESS_KEY_ID": u.User.Username(), "AWS_SECRET_ACCESS_KEY": secret}
}
