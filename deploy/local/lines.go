package local

import (
	"bytes"
	"io"
	"sync"
)

// maxLine bounds the part of a line that is held back until its end comes.
const maxLine = 16 << 10

// Lines puts the output of several processes into one, whole lines only, each with the name of its process in front.
type Lines struct {
	mu  sync.Mutex // guards out
	out io.Writer
}

// NewLines writes to out.
func NewLines(out io.Writer) *Lines { return &Lines{out: out} }

// Of returns the writer of the process name.
func (l *Lines) Of(name string) io.Writer { return &lineWriter{lines: l, prefix: name + " | "} }

// lineWriter belongs to one process; os/exec never calls Write twice at once.
type lineWriter struct {
	lines   *Lines
	prefix  string
	pending []byte // a line whose end has not come yet
}

func (w *lineWriter) Write(p []byte) (int, error) {
	w.pending = append(w.pending, p...)
	for {
		end := bytes.IndexByte(w.pending, '\n')
		if end < 0 && len(w.pending) < maxLine {
			return len(p), nil
		}
		if end < 0 || end > maxLine {
			end = maxLine - 1
		}
		line := append([]byte(w.prefix), bytes.TrimSuffix(w.pending[:end+1], []byte("\n"))...)
		w.pending = append(w.pending[:0], w.pending[end+1:]...)
		if err := w.lines.write(append(line, '\n')); err != nil {
			return 0, err
		}
	}
}

func (l *Lines) write(line []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, err := l.out.Write(line)
	return err
}
