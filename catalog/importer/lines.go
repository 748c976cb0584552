package importer

import (
	"encoding/json"
	"io"
)

// lineCounter tells on which line a JSON decoder stands. A decoder reads ahead, so the line ends that it has not come to are kept; they
// are those of its buffer, not of the file.
type lineCounter struct {
	r     io.Reader
	read  int64   // bytes
	ahead []int64 // offsets of line ends, ascending
	line  int     // line ends behind the last offset asked for
}

// Read reads on and notes the line ends.
func (l *lineCounter) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	for i, c := range p[:n] {
		if c == '\n' {
			l.ahead = append(l.ahead, l.read+int64(i))
		}
	}
	l.read += int64(n)
	return n, err
}

// at returns the line of an offset, from 1. Offsets must not go back.
func (l *lineCounter) at(offset int64) int {
	for len(l.ahead) > 0 && l.ahead[0] < offset {
		l.ahead = l.ahead[1:]
		l.line++
	}
	return l.line + 1
}

// next returns the line on which the decoder's next element begins. More has looked for it, so only blanks and a comma lie between.
func (l *lineCounter) next(d *json.Decoder) int {
	offset := d.InputOffset()
	if buffered, ok := d.Buffered().(io.ByteReader); ok {
		for c, err := buffered.ReadByte(); err == nil && (c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == ','); c, err = buffered.ReadByte() {
			offset++
		}
	}
	return l.at(offset)
}
