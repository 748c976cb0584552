package importer

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Formats are those that can be named with --format.
var Formats = []string{"jsonl", "jsonld", "html", "csv", "openfootball"}

// byExtension tells formats by the names of files; .json may be several.
var byExtension = map[string]string{
	".jsonl": "jsonl", ".ndjson": "jsonl", ".jsonld": "jsonld", ".html": "html", ".htm": "html", ".xhtml": "html", ".csv": "csv", ".tsv": "csv",
}

// stdin is the name of standard input.
const stdin = "-"

// readFile reads one file in its format: the one that is asked for, else that of its name, else that of its beginning.
func readFile(ctx context.Context, o Options, name string, to *listings) error {
	in, format := o.Stdin, o.Format
	if name != stdin {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		defer func() { _ = f.Close() }()
		info, err := f.Stat()
		if err != nil {
			return err
		}
		switch {
		case info.IsDir():
			format = "openfootball"
		case format == "":
			format = byExtension[strings.ToLower(filepath.Ext(name))]
		}
		in = f
	}
	b := bufio.NewReaderSize(in, 64<<10)
	if format == "" {
		format = sniff(b)
	}
	switch {
	case format != "openfootball":
		return to.read(ctx, format, name, b)
	case name == stdin:
		to.to.refuse(Place{name, 1}, errors.New("openfootball is a file beside one of stadiums: name it"))
		return nil
	}
	if err := to.flush(ctx); err != nil {
		return err
	}
	return readFootball(ctx, o, name, to.to)
}

// ours begins a record of our own lines.
var ours = regexp.MustCompile(`^\{\s*"type"\s*:\s*"(venue|layout|performer|event)"`)

// sniff tells a format by its beginning; "" when it is none that we know.
func sniff(b *bufio.Reader) string {
	head, _ := b.Peek(b.Size() / 2) // an error shows when it is read
	head = bytes.TrimSpace(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")))
	row, _, _ := bytes.Cut(head, []byte("\n"))
	switch {
	case len(head) == 0:
		return "jsonl"
	case head[0] == '<':
		return "html"
	case ours.Match(head):
		return "jsonl"
	case head[0] == '[' || bytes.Contains(head, []byte(`"@type"`)) || bytes.Contains(head, []byte(`"@graph"`)) || bytes.Contains(head, []byte(`"@context"`)):
		return "jsonld"
	case head[0] == '{' && bytes.Contains(head, []byte(`"matches"`)):
		return "openfootball"
	case head[0] == '{':
		return "jsonl"
	case bytes.ContainsAny(row, ",;\t"):
		return "csv"
	}
	return ""
}

// checkFormat reports a name that is no format.
func checkFormat(name string) error {
	if name != "" && !slices.Contains(Formats, name) {
		return fmt.Errorf("format %.20q is none of %s", name, strings.Join(Formats, ", "))
	}
	return nil
}

// read reads what is not openfootball.
func (l *listings) read(ctx context.Context, format, name string, in io.Reader) error {
	switch format {
	case "jsonl":
		if err := l.flush(ctx); err != nil {
			return err
		}
		return readLines(ctx, name, in, l.to)
	case "jsonld":
		return l.reader.JSONLD(ctx, in, l.from(ctx, name))
	case "html":
		return l.reader.HTML(ctx, in, l.from(ctx, name))
	case "csv":
		return l.reader.CSV(ctx, in, l.from(ctx, name))
	}
	l.to.refuse(Place{name, 1}, fmt.Errorf("its format does not show: give --format, one of %s", strings.Join(Formats, ", ")))
	return nil
}
