package contract

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// document is what the checker reads of an OpenAPI document. Responses are written out where they are used; only schemas are shared.
type document struct {
	Paths map[string]map[string]json.RawMessage `json:"paths"`
}

type operationDoc struct {
	Responses map[string]responseDoc `json:"responses"`
}

type responseDoc struct {
	Ref     string `json:"$ref"`
	Headers map[string]struct {
		Required bool            `json:"required"`
		Schema   json.RawMessage `json:"schema"`
	} `json:"headers"`
	Content  map[string]struct{} `json:"content"`
	Problems []string            `json:"x-problems"`
}

var methods = []string{"get", "put", "post", "delete", "patch", "head", "options", "trace"}

// operations calls do for each operation of the document, in order.
func (d document) operations(do func(template, method string, op operationDoc) error) error {
	for _, template := range sorted(d.Paths) {
		for _, method := range sorted(d.Paths[template]) {
			if !slices.Contains(methods, method) {
				continue
			}
			var op operationDoc
			if err := json.Unmarshal(d.Paths[template][method], &op); err != nil {
				return fmt.Errorf("%s %s: %w", method, template, err)
			}
			if err := do(template, method, op); err != nil {
				return fmt.Errorf("%s %s: %w", method, template, err)
			}
		}
	}
	return nil
}

// names reports whether any response names the problem.
func (d document) names(slug string) (found bool) {
	_ = d.operations(func(_, _ string, op operationDoc) error {
		for _, r := range op.Responses {
			found = found || slices.Contains(r.Problems, slug)
		}
		return nil
	})
	return found
}

func (d document) compile(compiler *jsonschema.Compiler) (paths []path, err error) {
	at := map[string]int{}
	err = d.operations(func(template, method string, op operationDoc) error {
		i, known := at[template]
		if !known {
			i, at[template] = len(paths), len(paths)
			paths = append(paths, path{template, strings.Split(strings.TrimPrefix(template, "/"), "/"), map[string]map[int]*response{}})
		}
		responses := map[int]*response{}
		for text, r := range op.Responses {
			status, err := strconv.Atoi(text)
			if err != nil || r.Ref != "" {
				return fmt.Errorf("response %q: want a status, written out", text)
			}
			if responses[status], err = r.compile(compiler, "paths", template, method, "responses", text); err != nil {
				return fmt.Errorf("response %d: %w", status, err)
			}
		}
		paths[i].methods[strings.ToUpper(method)] = responses
		return nil
	})
	if err == nil && len(paths) == 0 {
		err = errors.New("contract: the document has no operation")
	}
	return paths, err
}

func (r responseDoc) compile(compiler *jsonschema.Compiler, at ...string) (*response, error) {
	out := &response{headers: map[string]*jsonschema.Schema{}, content: map[string]*jsonschema.Schema{}, problems: r.Problems}
	if out.problems == nil {
		out.problems = []string{}
	}
	var err error
	for name, h := range r.Headers {
		if h.Required {
			out.required = append(out.required, name)
		}
		if out.headers[name], err = compiler.Compile(pointer(append(at, "headers", name, "schema")...)); err != nil {
			return nil, fmt.Errorf("header %s: %w", name, err)
		}
	}
	slices.Sort(out.required)
	for kind := range r.Content {
		if out.content[kind], err = compiler.Compile(pointer(append(at, "content", kind, "schema")...)); err != nil {
			return nil, fmt.Errorf("%s: %w", kind, err)
		}
	}
	return out, nil
}

// pointer is the URL of a place in the document.
func pointer(steps ...string) string {
	var b strings.Builder
	b.WriteString(documentURL + "#")
	for _, s := range steps {
		s = strings.NewReplacer("~", "~0", "/", "~1").Replace(s)
		b.WriteString("/" + url.PathEscape(s))
	}
	return b.String()
}

func sorted[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
