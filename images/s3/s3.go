// Package s3 keeps pictures in a bucket of Amazon S3, or of anything that speaks its protocol. Objects are called as pictures are, below the prefix, and
// carry what browsers need: a type, and that they may be kept for ever. Where the bucket, or a CDN before it, is public, no gateway is
// asked for a picture.
package s3

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"usher/images"
)

// Immutable is the Cache-Control of every picture.
const immutable = "public, max-age=31536000, immutable"

// usualEndpoint is Amazon's; the client finds the one of the bucket's region.
const usualEndpoint = "https://s3.amazonaws.com"

// Place is a bucket, and how it is reached.
type Place struct {
	Bucket, Prefix string // the prefix without slashes at its ends
	Endpoint       string // host and maybe a port
	Secure         bool   // TLS
	Region         string // empty: the client asks
}

// Parse reads s3://BUCKET/PREFIX?endpoint=https://HOST:PORT&region=REGION. The prefix, the endpoint (Amazon's) and the region may be missing.
// Credentials are refused: they would stand in lists of processes and in logs.
func Parse(address string) (p Place, err error) {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Scheme != "s3" || u.Host == "" || u.Fragment != "":
		return p, errors.New("want the form s3://BUCKET/PREFIX?endpoint=https://HOST:PORT&region=REGION")
	case u.User != nil:
		return p, errors.New("credentials do not belong into the address: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
	}
	query := u.Query()
	for name, values := range query {
		if name != "endpoint" && name != "region" || len(values) != 1 {
			return p, fmt.Errorf("parameter %.40q is not known or stands twice: want endpoint, region", name)
		}
	}
	endpoint := query.Get("endpoint")
	if endpoint == "" {
		endpoint = usualEndpoint
	}
	e, err := url.Parse(endpoint)
	if err != nil || e.Scheme != "https" && e.Scheme != "http" || e.Host == "" || e.User != nil || strings.Trim(e.Path, "/") != "" || e.RawQuery != "" {
		return p, fmt.Errorf("endpoint %.100q: want the form https://HOST:PORT", endpoint)
	}
	prefix := strings.Trim(u.Path, "/")
	if prefix != "" && path.Clean("/"+prefix) != "/"+prefix {
		return p, fmt.Errorf("prefix %.100q has empty or dotted segments", prefix)
	}
	return Place{Bucket: u.Host, Prefix: prefix, Endpoint: e.Host, Secure: e.Scheme == "https", Region: query.Get("region")}, nil
}

// Store is a bucket of pictures.
type Store struct {
	Place
	client minio.Core
}

// Open returns a store. It does not ask the bucket, which may be away; getenv knows AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and, of temporary
// credentials, AWS_SESSION_TOKEN.
func Open(address string, getenv func(string) string) (*Store, error) {
	p, err := Parse(address)
	if err != nil {
		return nil, err
	}
	key, secret := getenv("AWS_ACCESS_KEY_ID"), getenv("AWS_SECRET_ACCESS_KEY")
	if key == "" || secret == "" {
		return nil, errors.New("no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
	}
	client, err := minio.NewCore(p.Endpoint, &minio.Options{
		Creds: credentials.NewStaticV4(key, secret, getenv("AWS_SESSION_TOKEN")), Secure: p.Secure, Region: p.Region, MaxRetries: 3,
	})
	if err != nil {
		return nil, fmt.Errorf("client of %s: %w", p.Endpoint, err)
	}
	return &Store{Place: p, client: *client}, nil
}

// Check asks whether the bucket is there and may be used: an import says so at its beginning.
func (s *Store) Check(ctx context.Context) error {
	there, err := s.client.BucketExists(ctx, s.Bucket)
	if err != nil {
		return fmt.Errorf("bucket %s at %s: %w", s.Bucket, s.Endpoint, err)
	}
	if !there {
		return fmt.Errorf("there is no bucket %s at %s: make it first", s.Bucket, s.Endpoint)
	}
	return nil
}

func (s *Store) key(n images.Name) string { return strings.TrimPrefix(s.Prefix+"/"+n.String(), "/") }

// Put writes an object under the condition that there is none of its name.
func (s *Store) Put(ctx context.Context, n images.Name, jpeg []byte) error {
	if len(jpeg) > images.MaxObject {
		return fmt.Errorf("put %s: %d bytes: %w", n, len(jpeg), images.ErrTooLarge)
	}
	o := minio.PutObjectOptions{ContentType: "image/jpeg", CacheControl: immutable, DisableMultipart: true}
	o.SetMatchETagExcept("*")
	_, err := s.client.Client.PutObject(ctx, s.Bucket, s.key(n), bytes.NewReader(jpeg), int64(len(jpeg)), o)
	if err == nil || minio.ToErrorResponse(err).StatusCode == http.StatusPreconditionFailed {
		return nil
	}
	return fmt.Errorf("put %s: %w", n, err)
}

// Open begins to read an object.
func (s *Store) Open(ctx context.Context, n images.Name) (*images.Object, error) {
	body, info, _, err := s.client.GetObject(ctx, s.Bucket, s.key(n), minio.GetObjectOptions{})
	if missing(err) {
		return nil, images.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", n, err)
	}
	// What a server says is hex, or hex with a number of parts; whatever else it may be is made so.
	tag := strings.Trim(info.ETag, `"`)
	if _, err := hex.DecodeString(strings.ReplaceAll(tag, "-", "")); err != nil || tag == "" {
		tag = hex.EncodeToString([]byte(tag))
	}
	return &images.Object{ReadCloser: body, Size: info.Size, Tag: tag}, nil
}

// Has asks for an object's head.
func (s *Store) Has(ctx context.Context, n images.Name) (bool, error) {
	_, err := s.client.StatObject(ctx, s.Bucket, s.key(n), minio.StatObjectOptions{})
	if missing(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for %s: %w", n, err)
	}
	return true, nil
}

// missing reports whether an error says that there is no such object. A bucket that is missing is a fault of whoever has set it up.
func missing(err error) bool {
	r := minio.ToErrorResponse(err)
	return err != nil && r.StatusCode == http.StatusNotFound && r.Code != "NoSuchBucket"
}
