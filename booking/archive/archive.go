// Package archive keeps a month that was put away in files, from which it comes back as it was: one compressed file a table, and a manifest with the columns, the
// number of rows and a checksum of each. The manifest is written last, so a folder without one is no archive, and everything is checked before a row is believed.
package archive

import (
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"usher/booking/pgstore"
)

const (
	version      = 1
	manifestName = "manifest.json"
	maxManifest  = 1 << 20 // bytes
)

// ErrBroken says that a file is not what its manifest says.
var ErrBroken = errors.New("the archive is broken")

// manifest describes the files of a month.
type manifest struct {
	Version int       `json:"version"`
	Month   string    `json:"month"` // 2026-06
	MadeAt  time.Time `json:"made_at"`
	Tables  []table   `json:"tables"`
}

// table describes one file.
type table struct {
	Name    string   `json:"name"`
	Columns []string `json:"columns"`
	Rows    int64    `json:"rows"`
	Bytes   int64    `json:"bytes"`  // before compression
	SHA256  string   `json:"sha256"` // of the file, in hexadecimal digits
}

// Folder is where a month's files are below dir.
func Folder(dir string, month int) string {
	return filepath.Join(dir, "usher-"+pgstore.MonthName(month))
}

// Save writes a month that is put away, and reads it again to see that it is good. It returns the size of the files in bytes. Files that are there already are written
// anew, and the manifest is gone meanwhile.
func Save(ctx context.Context, store *pgstore.Store, dir string, month int) (size int64, err error) {
	folder := Folder(dir, month)
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return 0, fmt.Errorf("archive: %w", err)
	}
	if err := os.Remove(filepath.Join(folder, manifestName)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return 0, fmt.Errorf("archive: %w", err)
	}
	m := manifest{Version: version, Month: pgstore.MonthName(month), MadeAt: time.Now().UTC()}
	for _, name := range pgstore.MonthTables {
		t := table{Name: name}
		written, err := writeTable(folder, &t, func(to io.Writer) (err error) {
			t.Columns, t.Rows, err = store.CopyMonth(ctx, name, month, to)
			return err
		})
		if err != nil {
			return 0, err
		}
		size += written
		m.Tables = append(m.Tables, t)
	}
	text, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		return 0, fmt.Errorf("archive: %w", err)
	}
	if err := replace(filepath.Join(folder, manifestName), append(text, '\n')); err != nil {
		return 0, fmt.Errorf("archive: %w", err)
	}
	_, err = Open(dir, month)
	return size, err
}

// fileOf is the file of a table.
func fileOf(folder, name string) string { return filepath.Join(folder, name+".copy.gz") }

// writeTable writes one file and notes its sums.
func writeTable(folder string, t *table, rows func(io.Writer) error) (size int64, err error) {
	file, err := os.OpenFile(fileOf(folder, t.Name), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o640)
	if err != nil {
		return 0, fmt.Errorf("archive: %w", err)
	}
	sum := sha256.New()
	outer := &counter{to: io.MultiWriter(file, sum)}
	packed := gzip.NewWriter(outer)
	inner := &counter{to: packed}
	if err := errors.Join(rows(inner), packed.Close(), file.Sync(), file.Close()); err != nil {
		return 0, fmt.Errorf("archive %s: %w", t.Name, err)
	}
	t.Bytes, t.SHA256 = inner.n, hex.EncodeToString(sum.Sum(nil))
	return outer.n, nil
}

// counter counts what is written.
type counter struct {
	to io.Writer
	n  int64
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.to.Write(b)
	c.n += int64(n)
	return n, err
}

// replace writes a file that appears whole or not at all.
func replace(name string, text []byte) error {
	part := name + ".part"
	file, err := os.OpenFile(part, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o640)
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	return os.Rename(part, name)
}

// Archive is a month in files whose sums are right.
type Archive struct {
	folder string
	tables map[string]table
}

// Open reads the manifest of a month and checks every file against it. ErrBroken.
func Open(dir string, month int) (*Archive, error) {
	folder := Folder(dir, month)
	file, err := os.Open(filepath.Join(folder, manifestName))
	if err != nil {
		return nil, fmt.Errorf("open an archive: %w", err)
	}
	text, err := io.ReadAll(io.LimitReader(file, maxManifest))
	if err := errors.Join(err, file.Close()); err != nil {
		return nil, fmt.Errorf("open an archive: %w", err)
	}
	var m manifest
	if err := json.Unmarshal(text, &m); err != nil || m.Version != version || m.Month != pgstore.MonthName(month) {
		return nil, fmt.Errorf("%w: %s is no manifest of %s that this release reads", ErrBroken, file.Name(), pgstore.MonthName(month))
	}
	a := &Archive{folder, map[string]table{}}
	for _, t := range m.Tables {
		a.tables[t.Name] = t
	}
	for _, name := range pgstore.MonthTables {
		t, there := a.tables[name]
		if !there || len(t.Columns) == 0 || t.Rows < 0 || t.Bytes < 0 {
			return nil, fmt.Errorf("%w: the manifest does not tell of %s", ErrBroken, name)
		}
		if err := check(fileOf(folder, name), t.SHA256); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// check compares a file with its sum.
func check(name, want string) error {
	file, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("open an archive: %w", err)
	}
	sum := sha256.New()
	_, err = io.Copy(sum, file)
	if err := errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("open an archive: %w", err)
	}
	if hex.EncodeToString(sum.Sum(nil)) != want {
		return fmt.Errorf("%w: the sum of %s is another", ErrBroken, name)
	}
	return nil
}

// Load fills a table of a month from its file.
func (a *Archive) Load(l *pgstore.MonthLoader) (err error) {
	t := a.tables[l.Table]
	file, err := os.Open(fileOf(a.folder, l.Table))
	if err != nil {
		return fmt.Errorf("open an archive: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	rows, err := gzip.NewReader(file)
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrBroken, file.Name(), err)
	}
	n, err := l.Copy(t.Columns, io.LimitReader(rows, t.Bytes+1)) // no more than was written, whatever it unpacks to
	if err != nil {
		return fmt.Errorf("read %s: %w", file.Name(), err)
	}
	if n != t.Rows {
		return fmt.Errorf("%w: %s has %d rows, and not %d", ErrBroken, file.Name(), n, t.Rows)
	}
	return nil
}
