package gateway

import "github.com/valyala/fasthttp"

const (
	compressFrom  = 600 // bytes: below, a packet holds it anyway
	compressLevel = fasthttp.CompressBrotliDefaultCompression
	gzipLevel     = fasthttp.CompressDefaultCompression
)

// compress compresses the answer's body when the client can read that. Pages carry no secret that an attacker could guess by their length:
// credentials are in cookies, and there are no tokens in forms.
func (c *call) compress() {
	c.out.Add("Vary", "Accept-Encoding")
	body := c.http.Response.Body()
	if len(body) < compressFrom {
		return
	}
	switch {
	case c.in.HasAcceptEncoding("br"):
		c.set("Content-Encoding", "br")
		c.http.Response.SetBodyRaw(fasthttp.AppendBrotliBytesLevel(nil, body, compressLevel))
	case c.in.HasAcceptEncoding("gzip"):
		c.set("Content-Encoding", "gzip")
		c.http.Response.SetBodyRaw(fasthttp.AppendGzipBytesLevel(nil, body, gzipLevel))
	}
}
