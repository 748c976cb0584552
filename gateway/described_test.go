package gateway

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"usher/gateway/openapi"
)

// described returns the operations of a document with their statuses: "GET /healthz 200".
func described(document []byte) (out []string) {
	var doc struct {
		Paths map[string]map[string]struct {
			Responses map[string]json.RawMessage
		}
	}
	if err := json.Unmarshal(document, &doc); err != nil {
		panic(err)
	}
	for path, item := range doc.Paths {
		for method, op := range item {
			for status := range op.Responses {
				out = append(out, fmt.Sprintf("%s %s %s", strings.ToUpper(method), path, status))
			}
		}
	}
	slices.Sort(out)
	return out
}

func TestEveryRouteIsDescribedAndEveryDescriptionHasARoute(t *testing.T) {
	t.Parallel()
	s := New(Config{}, Parts{})
	for name, port := range map[string]struct {
		router   *router
		document []byte
	}{"public": {s.public, openapi.Public}, "admin": {s.admin, openapi.Admin}} {
		want := map[string]bool{}
		for _, line := range described(port.document) {
			want[line[:strings.LastIndexByte(line, ' ')]] = true
		}
		for _, routes := range port.router.byLen {
			for _, r := range routes {
				if !want[r.method+" "+r.path] {
					t.Errorf("%s: %s %s is not described", name, r.method, r.path)
				}
				delete(want, r.method+" "+r.path)
			}
		}
		for line := range want {
			t.Errorf("%s: %s has no route", name, line)
		}
	}
}

// Parameters are described with the routes that know them.
func TestEveryParameterIsDescribed(t *testing.T) {
	t.Parallel()
	s := New(Config{}, Parts{})
	for _, port := range []struct {
		router   *router
		document []byte
	}{{s.public, openapi.Public}, {s.admin, openapi.Admin}} {
		var doc struct {
			Paths map[string]map[string]struct {
				Parameters []struct{ Name, In string }
			}
		}
		if err := json.Unmarshal(port.document, &doc); err != nil {
			t.Fatal(err)
		}
		for _, routes := range port.router.byLen {
			for _, r := range routes {
				var names []string
				for _, p := range doc.Paths[r.path][strings.ToLower(r.method)].Parameters {
					if p.In == "query" {
						names = append(names, p.Name)
					}
				}
				known := slices.Sorted(slices.Values(r.query))
				if slices.Sort(names); !slices.Equal(names, known) {
					t.Errorf("%s %s knows %q, described are %q", r.method, r.path, known, names)
				}
			}
		}
	}
}
