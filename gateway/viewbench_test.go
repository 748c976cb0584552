package gateway

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/valyala/fasthttp"

	"usher/catalog"
	"usher/catalog/layout"
)

// largeHall is 500 seats in ten rows.
func largeHall(b *testing.B) *layout.Layout {
	b.Helper()
	section := layout.Section{Name: "Stalls", Level: "A"}
	for row := range 10 {
		section.Rows = append(section.Rows, layout.Row{Name: strconv.Itoa(row + 1), Seats: 50})
	}
	l, err := layout.New([]layout.Section{section})
	if err != nil {
		b.Fatal(err)
	}
	return l
}

// BenchmarkView is the view of an event with 500 seats, from memory, beside a bare fasthttp handler that answers with the same bytes: "alone" from the
// bytes of the request to those of the answer on one core, without the kernel; "tcp" with 32 clients in this process, through the loopback.
func BenchmarkView(b *testing.B) {
	live := newLiveSeats(largeHall(b))
	s := New(Config{}, Parts{Waitroom: &fakeRoom{}, Catalog: catalog.New(catalog.Config{Truth: live, Map: live})})
	for _, accept := range []string{"identity", "br"} {
		request := []byte("GET " + api + "/events/" + unguarded.String() + " HTTP/1.1\r\nHost: usher.test\r\nUser-Agent: Mozilla/5.0\r\nAccept-Encoding: " + accept + "\r\n\r\n")
		ours := s.fasthttp(s.public)
		first := new(bytes.Buffer)
		if err := ours.ServeConn(&replay{request: request, left: 1, out: first}); err != nil && err != io.EOF {
			b.Fatal(err)
		}
		var answer fasthttp.Response
		if err := answer.Read(bufio.NewReader(first)); err != nil || answer.StatusCode() != 200 || string(answer.Header.ContentEncoding()) != strings.TrimPrefix(accept, "identity") {
			b.Fatalf("%v, %s", err, answer.Header.String())
		}
		bare := s.fasthttp(s.public)
		bare.Handler = func(ctx *fasthttp.RequestCtx) {
			ctx.SetContentType(typeJSON)
			ctx.Response.SetBodyRaw(answer.Body())
		}
		for name, server := range map[string]*fasthttp.Server{"ours": ours, "bare": bare} {
			b.Run(fmt.Sprintf("%s/alone/%s", accept, name), func(b *testing.B) {
				serveMany(b, server, request)
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "views/s")
			})
			b.Run(fmt.Sprintf("%s/tcp/%s", accept, name), func(b *testing.B) { serveClients(b, server, request, 32) })
		}
	}
}

// serveClients lets clients ask one after the other over connections that stay open.
func serveClients(b *testing.B, server *fasthttp.Server, request []byte, clients int) {
	b.Helper()
	l := listen(b)
	var running sync.WaitGroup
	running.Go(func() { _ = server.Serve(l) })
	b.ResetTimer()
	var asking sync.WaitGroup
	for i := range clients {
		asking.Go(func() {
			conn, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				b.Error(err)
				return
			}
			defer func() { _ = conn.Close() }()
			in := bufio.NewReaderSize(conn, 64<<10)
			for n := i; n < b.N; n += clients {
				if _, err := conn.Write(request); err != nil {
					b.Error(err)
					return
				}
				if err := skipAnswer(in); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	asking.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "views/s")
	_ = l.Close()
	running.Wait()
}

// skipAnswer reads an answer and forgets it, at next to no cost.
func skipAnswer(in *bufio.Reader) error {
	length := 0
	for {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return err
		}
		if rest, found := bytes.CutPrefix(line, []byte("Content-Length: ")); found {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(rest))); err != nil {
				return err
			}
		}
		if len(bytes.TrimSpace(line)) == 0 {
			_, err = in.Discard(length)
			return err
		}
	}
}
