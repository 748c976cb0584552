package listing

import (
	"bytes"
	"strings"
)

// mend repairs what is usually wrong with JSON that a page's template has put together: line ends and tabs in texts, a comma before a closing
// bracket, a semicolon at the end, the wrapping of a comment or of CDATA.
func mend(b []byte) []byte {
	b = bytes.TrimSpace(b)
	for _, wrap := range [][2]string{{"<!--", "-->"}, {"//<![CDATA[", "//]]>"}, {"/*<![CDATA[*/", "/*]]>*/"}, {"<![CDATA[", "]]>"}} {
		if bytes.HasPrefix(b, []byte(wrap[0])) {
			b = bytes.TrimSpace(bytes.TrimSuffix(b[len(wrap[0]):], []byte(wrap[1])))
		}
	}
	b = bytes.TrimRight(b, "; \t\r\n")
	out := make([]byte, 0, len(b))
	inText, escaped := false, false
	for i, c := range b {
		switch {
		case !inText:
			inText = c == '"'
			if c == ',' {
				if next := bytes.TrimLeft(b[i+1:], " \t\r\n"); len(next) > 0 && strings.IndexByte("]}", next[0]) >= 0 {
					continue
				}
			}
			out = append(out, c)
		case c < ' ':
			out = append(out, ' ')
			escaped = false
		default:
			out = append(out, c)
			inText = escaped || c != '"'
			escaped = c == '\\' && !escaped
		}
	}
	return out
}
