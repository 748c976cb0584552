package importer

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"image/jpeg"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sync/errgroup"

	"usher/catalog/poster"
	"usher/images"
	"usher/images/intake"
)

// picture says where an event's picture comes from. At most one member is set.
type picture struct {
	file   string // relative to the folder of the record's file, and below it
	data   string // base64
	poster string // what a poster is drawn of: for the demo catalog only
}

// readPicture reads the member image of a record. Addresses are refused: a file from elsewhere must not make this machine fetch what its author
// cannot reach himself.
func readPicture(s string) (picture, error) {
	switch header, data, isData := strings.Cut(s, ","); {
	case s == "":
		return picture{}, nil
	case strings.HasPrefix(s, "data:"):
		if !isData || !strings.HasSuffix(header, ";base64") {
			return picture{}, errors.New("want the form data:image/jpeg;base64,DATA")
		}
		return picture{data: data}, nil
	case strings.Contains(s, "://"):
		return picture{}, fmt.Errorf("%.100q is an address, and pictures are not fetched: want data: or a file beside this one", s)
	case len(s) > 1000 || !filepath.IsLocal(filepath.FromSlash(s)):
		return picture{}, fmt.Errorf("%.100q is no path below the folder of this file", s)
	}
	return picture{file: s}, nil
}

// pictures takes the pictures of events in.
type pictures struct {
	intake *intake.Intake

	mu    sync.Mutex        // guards known
	known map[string]string // of files and posters taken in lately, what events keep of them
}

// maxKnown bounds the memory of pictures: tours share a poster, and a file is read once for all of its events.
const maxKnown = 10_000

func newPictures(s images.Store) *pictures {
	if s == nil {
		return nil
	}
	return &pictures{intake: intake.New(s), known: map[string]string{}}
}

var errNoImages = errors.New("image: no place for pictures: name one with --images")

// take puts the addresses of pictures into the records of events, several at once, and returns what is wrong with each; nil for most. Its error
// is that of the store.
func (p *pictures) take(ctx context.Context, batch []record) ([]error, error) {
	faults := make([]error, len(batch))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, r := range batch {
		if r.event.picture == (picture{}) {
			continue
		}
		if p == nil {
			if r.event.picture.poster == "" { // nobody misses a poster
				faults[i] = errNoImages
			}
			continue
		}
		g.Go(func() error {
			stored, err := p.add(ctx, filepath.Dir(r.File), r.event.picture)
			r.event.ImageURL = stored
			if errors.Is(err, intake.ErrRefused) {
				faults[i], err = fmt.Errorf("image: %w", err), nil
			}
			return err
		})
	}
	return faults, g.Wait()
}

// add takes one picture in and returns what its event keeps. intake.ErrRefused.
func (p *pictures) add(ctx context.Context, folder string, from picture) (string, error) {
	key := folder + "\x00" + from.file + "\x00" + from.poster
	if from.data != "" {
		return p.read(ctx, folder, from)
	}
	p.mu.Lock()
	stored, known := p.known[key]
	p.mu.Unlock()
	if known {
		return stored, nil
	}
	stored, err := p.read(ctx, folder, from)
	if err != nil {
		return "", err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.known) >= maxKnown {
		clear(p.known)
	}
	p.known[key] = stored
	return stored, nil
}

func (p *pictures) read(ctx context.Context, folder string, from picture) (string, error) {
	var file []byte
	var err error
	switch {
	case from.data != "":
		file, err = base64.StdEncoding.DecodeString(from.data)
	case from.poster != "":
		file, err = drawPoster(from.poster)
	default:
		file, err = readBelow(folder, from.file)
	}
	if err != nil {
		return "", fmt.Errorf("%w: %w", intake.ErrRefused, err)
	}
	digest, err := p.intake.Add(ctx, file)
	if err != nil {
		return "", err
	}
	return images.Stored(digest), nil
}

// readBelow reads a file that lies below a folder, wherever links lead. Devices and pipes are not waited for.
func readBelow(folder, name string) ([]byte, error) {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, err
	}
	defer func() { _ = root.Close() }()
	f, err := root.OpenFile(filepath.FromSlash(name), os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file", name)
	}
	return io.ReadAll(io.LimitReader(f, intake.MaxBytes+1)) // the intake refuses what is larger
}

// posterQuality is that of the files of posters, which are read again at once.
const posterQuality = 92

// drawPoster is a poster as a file.
func drawPoster(words string) ([]byte, error) {
	var b strings.Builder
	err := jpeg.Encode(&b, poster.Draw(words), &jpeg.Options{Quality: posterQuality})
	return []byte(b.String()), err
}
