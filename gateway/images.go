package gateway

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"usher/images"
	"usher/internal/problem"
)

const (
	// maxOpenImages bounds how many pictures of one gateway are on their way: each has a file or a connection open as long as its reader takes.
	maxOpenImages = 1000
	// imageTime bounds one picture from its opening to its last byte: a little less than an answer may take at all.
	imageTime = writeTimeout - 2*time.Second
)

var (
	imageBytesTotal    = metrics.NewCounter("usher_image_bytes_total")
	imageFailuresTotal = metrics.NewCounter("usher_image_failures_total")
)

// getImage serves a picture. What is kept under a name never changes, so anybody may keep it for ever.
func (s *Server) getImage(c *call) error {
	name, ok := images.ParseName(c.params[0], c.params[1])
	if !ok || s.Images == nil {
		return problem.New("not-found", "no such picture")
	}
	select {
	case s.pictures <- struct{}{}:
	default:
		return problem.New("overloaded", "too many pictures are on their way")
	}
	ctx, cancel := context.WithTimeout(s.base, imageTime)
	o, err := s.Images.Open(ctx, name)
	if err != nil {
		cancel()
		<-s.pictures
		if errors.Is(err, images.ErrNotFound) {
			return problem.New("not-found", "no such picture")
		}
		imageFailuresTotal.Inc()
		return s.told(problem.New("store-unavailable", ""), err)
	}
	body := &imageBody{Object: o, end: sync.OnceFunc(func() { cancel(); <-s.pictures })}
	tag := `"` + o.Tag + `"`
	c.set("ETag", tag)
	c.set("Cache-Control", "public, max-age=31536000, immutable")
	if hasTag(c.in.Peek("If-None-Match"), tag) {
		_ = body.Close() // nothing was read
		return c.empty(304)
	}
	c.out.SetContentType("image/jpeg")
	c.http.Response.SetBodyStream(body, int(o.Size))
	return nil
}

// imageBody gives its place back when the answer is out, or has failed.
type imageBody struct {
	*images.Object
	end func()
}

func (b *imageBody) Read(p []byte) (int, error) {
	n, err := b.Object.Read(p)
	imageBytesTotal.Add(n)
	return n, err
}

func (b *imageBody) Close() error {
	defer b.end()
	return b.Object.Close()
}
