package million

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"
)

// patience bounds one exchange.
const patience = 30 * time.Second

// wire is one keep-alive connection to a server. It speaks as much HTTP as the answers here need, at a fraction of the cost of net/http: the client shares the
// machine with what it measures.
type wire struct {
	address string
	from    int
	conn    net.Conn
	in      *bufio.Reader
	out     []byte // the request, reused
	body    []byte // the answer's, until the next one
	size    int    // of the whole answer, in bytes
}

// dial opens a connection from one of a few addresses of this machine, for new visitors are counted by address. Linux has all of 127.0.0.0/8.
func dial(address string, from int) (*wire, error) {
	d := net.Dialer{Timeout: patience, LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(1+from%8))}}
	conn, err := d.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	return &wire{address: address, from: from, conn: conn, in: bufio.NewReaderSize(conn, 2<<10)}, nil
}

func (w *wire) close() { _ = w.conn.Close() }

// browser is what a browser sends with every request beside its cookies.
const browser = " HTTP/1.1\r\nHost: usher.test\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\nAccept: application/json\r\n" +
	"Accept-Language: en\r\nSec-Fetch-Site: same-origin\r\n"

// ask sends a request and reads its answer. cookies are "name=value" each; a POST has no body.
func (w *wire) ask(method, target string, cookies ...string) (status int, err error) {
	b := append(append(append(append(w.out[:0], method...), ' '), target...), browser...)
	for i, c := range cookies {
		if i == 0 {
			b = append(b, "Cookie: "...)
		} else {
			b = append(b, "; "...)
		}
		b = append(b, c...)
	}
	if len(cookies) > 0 {
		b = append(b, "\r\n"...)
	}
	if method == "POST" {
		b = append(b, "Content-Length: 0\r\n"...)
	}
	w.out = append(b, "\r\n"...)
	status, err = w.exchange()
	if method == "GET" && errors.Is(err, io.EOF) { // the server has closed a connection that was silent for long: as browsers do, once more on another
		again, failed := dial(w.address, w.from)
		if failed != nil {
			return 0, errors.Join(err, failed)
		}
		w.close()
		w.conn, w.in = again.conn, again.in
		status, err = w.exchange()
	}
	if err != nil {
		err = fmt.Errorf("%s %s: %w", method, target, err)
	}
	return status, err
}

// exchange sends the request and reads the answer.
func (w *wire) exchange() (status int, err error) {
	if err := w.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return 0, err
	}
	if _, err := w.conn.Write(w.out); err != nil {
		return 0, err
	}
	return w.read()
}

var (
	errAnswer   = errors.New("not an answer that this client understands")
	lengthField = []byte("Content-Length: ")
)

// read reads one answer, which tells its length.
func (w *wire) read() (status int, err error) {
	length := -1
	w.size = 0
	for first := true; ; first = false {
		line, err := w.in.ReadSlice('\n')
		if err != nil {
			return 0, err
		}
		w.size += len(line)
		line = bytes.TrimRight(line, "\r\n")
		switch {
		case first:
			if len(line) < len("HTTP/1.1 200") {
				return 0, fmt.Errorf("%w: %q", errAnswer, line)
			}
			if status, err = strconv.Atoi(string(line[9:12])); err != nil {
				return 0, fmt.Errorf("%w: %q", errAnswer, line)
			}
		case bytes.HasPrefix(line, lengthField):
			if length, err = strconv.Atoi(string(line[len(lengthField):])); err != nil || length > 1<<20 {
				return 0, fmt.Errorf("%w: %q", errAnswer, line)
			}
		}
		if len(line) == 0 {
			break
		}
	}
	if length < 0 {
		return 0, fmt.Errorf("%w: it has no length", errAnswer)
	}
	if cap(w.body) < length {
		w.body = make([]byte, length)
	}
	w.body = w.body[:length]
	w.size += length
	_, err = io.ReadFull(w.in, w.body)
	return status, err
}

// member returns the value of a member of a flat JSON body as it stands there, without its quotes; "" for none or null.
func member(body []byte, name string) string {
	_, rest, found := bytes.Cut(body, []byte(`"`+name+`":`))
	if !found {
		return ""
	}
	if len(rest) > 0 && rest[0] == '"' {
		text, _, _ := bytes.Cut(rest[1:], []byte{'"'})
		return string(text)
	}
	end := bytes.IndexAny(rest, ",}")
	if end < 0 || string(rest[:end]) == "null" {
		return ""
	}
	return string(rest[:end])
}
