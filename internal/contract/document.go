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

// document is what the checker reads of an OpenAPI document. Responses and headers may be shared: they are resolved while reading.
type document struct {
	Paths      map[string]map[string]json.RawMessage `json:"paths"`
	Components struct {
		Responses map[string]responseDoc `json:"responses"`
		Headers   map[string]headerDoc   `json:"headers"`
	} `json:"components"`
}

type headerDoc struct {
	Ref      string `json:"$ref"`
	Required bool   `json:"required"`
	at       []string
}

type responseDoc struct {
	Ref     string               `json:"$ref"`
	Headers map[string]headerDoc `json:"headers"`
	Content map[string]struct {
		Events map[string]json.RawMessage `json:"x-events"` // of a stream, by name: OpenAPI has no word for them
		Schema struct {
			Properties struct {
				Type struct {
					Enum []string `json:"enum"`
				} `json:"type"`
			} `json:"properties"`
		} `json:"schema"`
	} `json:"content"`
	at []string // where it stands
}

func read(doc []byte) (d document, err error) {
	err = json.Unmarshal(doc, &d)
	return d, err
}

// problems are the slugs that a response names in its schema.
func (r responseDoc) problems() (slugs []string) {
	for _, t := range r.Content[typeProblem].Schema.Properties.Type.Enum {
		slugs = append(slugs, strings.TrimPrefix(t, problemPrefix))
	}
	return slugs
}

var methods = []string{"get", "put", "post", "delete", "patch", "head", "options", "trace"}

// operations calls do for each operation of the document, in order, with its responses.
func (d document) operations(do func(template, method string, responses map[int]responseDoc) error) error {
	for _, template := range sorted(d.Paths) {
		for _, method := range sorted(d.Paths[template]) {
			if !slices.Contains(methods, method) {
				continue
			}
			responses, err := d.responses(template, method)
			if err == nil {
				err = do(template, method, responses)
			}
			if err != nil {
				return fmt.Errorf("%s %s: %w", method, template, err)
			}
		}
	}
	return nil
}

func (d document) responses(template, method string) (map[int]responseDoc, error) {
	var op struct {
		Responses map[string]responseDoc `json:"responses"`
	}
	if err := json.Unmarshal(d.Paths[template][method], &op); err != nil {
		return nil, err
	}
	out := map[int]responseDoc{}
	for text, r := range op.Responses {
		status, err := strconv.Atoi(text)
		if err != nil {
			return nil, fmt.Errorf("response %q: want a status", text)
		}
		if out[status], err = d.resolve(r, "paths", template, method, "responses", text); err != nil {
			return nil, fmt.Errorf("response %d: %w", status, err)
		}
	}
	return out, nil
}

// resolve follows the references of a response and of its headers.
func (d document) resolve(r responseDoc, at ...string) (responseDoc, error) {
	if r.Ref != "" {
		name := strings.TrimPrefix(r.Ref, "#/components/responses/")
		shared, ok := d.Components.Responses[name]
		if !ok {
			return r, fmt.Errorf("%s leads nowhere", r.Ref)
		}
		r, at = shared, []string{"components", "responses", name}
	}
	headers := map[string]headerDoc{}
	for name, h := range r.Headers {
		h.at = append(slices.Clone(at), "headers", name)
		if h.Ref != "" {
			shared := strings.TrimPrefix(h.Ref, "#/components/headers/")
			target, ok := d.Components.Headers[shared]
			if !ok {
				return r, fmt.Errorf("%s leads nowhere", h.Ref)
			}
			h, h.at = target, []string{"components", "headers", shared}
		}
		headers[name] = h
	}
	r.Headers, r.at = headers, at
	return r, nil
}

// names reports whether any response names the problem.
func (d document) names(slug string) (found bool) {
	_ = d.operations(func(_, _ string, responses map[int]responseDoc) error {
		for _, r := range responses {
			found = found || slices.Contains(r.problems(), slug)
		}
		return nil
	})
	return found
}

func (d document) compile(compiler *jsonschema.Compiler) (paths []path, err error) {
	at := map[string]int{}
	err = d.operations(func(template, method string, described map[int]responseDoc) error {
		i, known := at[template]
		if !known {
			i, at[template] = len(paths), len(paths)
			paths = append(paths, path{template, strings.Split(strings.TrimPrefix(template, "/"), "/"), map[string]map[int]*response{}})
		}
		responses := map[int]*response{}
		for status, r := range described {
			var err error
			if responses[status], err = r.compile(compiler); err != nil {
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

func (r responseDoc) compile(compiler *jsonschema.Compiler) (*response, error) {
	out := &response{headers: map[string]*jsonschema.Schema{}, content: map[string]*jsonschema.Schema{}, events: map[string]*jsonschema.Schema{}}
	var err error
	for name, h := range r.Headers {
		if h.Required {
			out.required = append(out.required, name)
		}
		if out.headers[name], err = compiler.Compile(pointer(append(h.at, "schema")...)); err != nil {
			return nil, fmt.Errorf("header %s: %w", name, err)
		}
	}
	slices.Sort(out.required)
	for kind := range r.Content {
		if out.content[kind], err = compiler.Compile(pointer(append(slices.Clone(r.at), "content", kind, "schema")...)); err != nil {
			return nil, fmt.Errorf("%s: %w", kind, err)
		}
		for name := range r.Content[kind].Events {
			at := append(slices.Clone(r.at), "content", kind, "x-events", name, "schema")
			if out.events[name], err = compiler.Compile(pointer(at...)); err != nil {
				return nil, fmt.Errorf("event %s: %w", name, err)
			}
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

// part names the keywords under which parts of one value's schema stand, inner those of schemas of other values inside it.
var (
	part  = []string{"allOf", "anyOf", "oneOf", "if", "then", "else"}
	inner = []string{"items", "prefixItems", "additionalProperties", "contains"}
)

// closed makes every schema in a document refuse members that it does not describe: clients must ignore what they do not know, but we
// must not send what we do not describe. A schema that others build on (a component, a branch of allOf, oneOf, if) stays open: what
// uses it is closed, and sees all that its parts have described.
func closed(node any, shared bool) any {
	switch node := node.(type) {
	case []any:
		for _, v := range node {
			closed(v, false)
		}
	case map[string]any:
		for key, v := range node {
			switch members, _ := v.(map[string]any); {
			case key == "schemas":
				for _, s := range members {
					closeSchema(s, true)
				}
			case key == "schema":
				closeSchema(v, false)
			default:
				closed(v, shared)
			}
		}
	}
	return node
}

func closeSchema(schema any, open bool) {
	if list, ok := schema.([]any); ok {
		for _, s := range list {
			closeSchema(s, open)
		}
		return
	}
	s, ok := schema.(map[string]any)
	if !ok {
		return // true, false
	}
	for _, key := range part {
		closeSchema(s[key], true)
	}
	for _, key := range inner {
		closeSchema(s[key], false)
	}
	if properties, ok := s["properties"].(map[string]any); ok {
		for _, p := range properties {
			closeSchema(p, false)
		}
	}
	if _, said := s["additionalProperties"]; !said && !open {
		s["unevaluatedProperties"] = false
	}
}
