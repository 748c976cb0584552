package gateway

import "github.com/valyala/fasthttp"

const compressFrom = 600 // bytes: below, a packet holds it anyway

// encoding is a way to make an answer smaller.
type encoding struct {
	name string // as HTTP has it
	pack func([]byte) []byte
}

// encodings are those that we know, the best first.
var encodings = []encoding{
	{"br", func(b []byte) []byte {
		return fasthttp.AppendBrotliBytesLevel(nil, b, fasthttp.CompressBrotliDefaultCompression)
	}},
	{"gzip", func(b []byte) []byte {
		return fasthttp.AppendGzipBytesLevel(nil, b, fasthttp.CompressDefaultCompression)
	}},
}

// encoding is the best for a body that the client can read; ok is false when it is best left as it is.
func (c *call) encoding(body []byte) (e encoding, ok bool) {
	c.out.Add("Vary", "Accept-Encoding")
	if len(body) < compressFrom {
		return e, false
	}
	for _, e = range encodings {
		if c.in.HasAcceptEncoding(e.name) {
			return e, true
		}
	}
	return e, false
}

// compress compresses a page. Pages carry no secret that an attacker could guess by their length: credentials are in cookies, and there are
// no tokens in forms.
func (c *call) compress() {
	body := c.http.Response.Body()
	if e, ok := c.encoding(body); ok {
		c.set("Content-Encoding", e.name)
		c.http.Response.SetBodyRaw(e.pack(body))
	}
}
