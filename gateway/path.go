package gateway

import (
	"bytes"
	"slices"
	"strings"

	"usher/internal/problem"
)

const (
	maxPath   = 1024 // bytes
	maxFaults = 10   // named in one answer
)

// cleanPath returns the path of a request target as it was sent, without its first slash. What a proxy and we could read in two ways is
// refused: anything encoded, backslashes, parameters, empty and dot segments, absolute forms. No path of ours needs them.
func cleanPath(target []byte) (string, bool) {
	if i := bytes.IndexByte(target, '?'); i >= 0 {
		target = target[:i]
	}
	if len(target) == 0 || target[0] != '/' || len(target) > maxPath {
		return "", false
	}
	last := 0 // the slash before the segment
	for i, b := range target {
		if b <= ' ' || b >= 0x7f || b == '%' || b == '\\' || b == ';' || b == '#' {
			return "", false
		}
		if b == '/' && i > 0 {
			if i == last+1 || dots(target[last+1:i]) {
				return "", false
			}
			last = i
		}
	}
	if dots(target[last+1:]) {
		return "", false
	}
	return string(target[1:]), true
}

// dots reports whether a segment is "." or "..".
func dots(segment []byte) bool { return string(segment) == "." || string(segment) == ".." }

// split cuts a path into its segments, which share its memory; false when there are too many.
func split(path string, into []string) ([]string, bool) {
	for {
		segment, rest, more := strings.Cut(path, "/")
		if len(into) == cap(into) {
			return nil, false
		}
		into = append(into, segment)
		if !more {
			return into, true
		}
		path = rest
	}
}

// checkQuery refuses parameters that the route does not know, and repeated ones.
func (c *call) checkQuery() error {
	args := c.http.QueryArgs()
	if args.Len() == 0 {
		return nil
	}
	var seen uint32
	var bad []problem.Field
	for name := range args.All() {
		i := index(c.route.query, name)
		switch {
		case i < 0:
			bad = append(bad, problem.Field{Field: clip(string(name)), Message: c.route.knows()})
		case seen&(1<<i) != 0:
			bad = append(bad, problem.Field{Field: c.route.query[i], Message: "given twice"})
		default:
			seen |= 1 << i
		}
		if len(bad) == maxFaults {
			break
		}
	}
	if len(bad) > 0 {
		return problem.Invalid(bad...)
	}
	return nil
}

// index is slices.Index without a copy of the name.
func index(names []string, name []byte) int {
	for i, n := range names {
		if n == string(name) {
			return i
		}
	}
	return -1
}

// knows says which parameters there are: a caller of a newer or older server learns what this one can do.
func (t *route) knows() string {
	if len(t.query) == 0 {
		return "this call has no parameters"
	}
	return "not a parameter of this call; it knows " + strings.Join(slices.Sorted(slices.Values(t.query)), ", ")
}

// clip keeps what is echoed to a caller short and well-formed.
func clip(s string) string {
	if len(s) > 64 {
		return strings.ToValidUTF8(s[:64], "") + "…"
	}
	return strings.ToValidUTF8(s, "?")
}
