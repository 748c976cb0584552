// Package contract holds every answer of a port to its OpenAPI document: the status is documented for the operation, the required headers
// are there, the body is what the schema says and nothing more, and a problem is one of those that the operation names.
//
// What has no operation may only be refused: 404 for a path, 405 for a method, and what is no request at all.
package contract

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"usher/internal/problem"
)

const (
	typeProblem   = "application/problem+json"
	problemPrefix = "/problems/" // and the slug: the type of a problem
)

// documentURL names the document inside the schema compiler.
const documentURL = "https://usher.invalid/openapi.json"

// Checker knows one document.
type Checker struct {
	paths   []path
	problem *jsonschema.Schema
	outside []string // problems that may answer what has no operation
}

type path struct {
	template string
	segments []string
	methods  map[string]map[int]*response // by method in capitals, then status
}

type response struct {
	headers  map[string]*jsonschema.Schema // nil: any text
	required []string
	content  map[string]*jsonschema.Schema // by media type
	events   map[string]*jsonschema.Schema // of a stream, by name
}

// New compiles a document.
func New(doc []byte) (*Checker, error) {
	d, err := read(doc)
	if err != nil {
		return nil, fmt.Errorf("contract: %w", err)
	}
	tree, err := jsonschema.UnmarshalJSON(bytes.NewReader(doc))
	if err != nil {
		return nil, fmt.Errorf("contract: %w", err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft2020)
	compiler.AssertFormat()
	if err := compiler.AddResource(documentURL, closed(tree, false)); err != nil {
		return nil, fmt.Errorf("contract: %w", err)
	}
	c := &Checker{outside: []string{"not-found", "method-not-allowed", "invalid-request", "body-too-large"}}
	if c.problem, err = compiler.Compile(pointer("components", "schemas", "Problem")); err != nil {
		return nil, fmt.Errorf("contract: %w", err)
	}
	if d.names("unauthorized") { // a port behind a token refuses before it looks at the path
		c.outside = append(c.outside, "unauthorized")
	}
	c.paths, err = d.compile(compiler)
	return c, err
}

// Operation names the operation of a request as the document does, such as "POST /api/v1/booking"; "" when there is none.
func (c *Checker) Operation(method, target string) string {
	p, _ := c.find(target)
	if p == nil || p.methods[documented(method)] == nil {
		return ""
	}
	return documented(method) + " " + p.template
}

// documented is the method under which a request is described: HEAD is GET without a body.
func documented(method string) string {
	if method == http.MethodHead {
		return http.MethodGet
	}
	return method
}

// Check reports everything about an answer that the document does not allow, or nil. The path has no query.
func (c *Checker) Check(method, target string, status int, header http.Header, body []byte) error {
	if err := c.check(method, target, status, header, body); err != nil {
		return fmt.Errorf("%s %s → %d: %w", method, target, status, err)
	}
	return nil
}

func (c *Checker) check(method, target string, status int, header http.Header, body []byte) error {
	if header.Get("Request-Id") == "" {
		return errors.New("no Request-Id")
	}
	head := method == http.MethodHead
	p, plain := c.find(target)
	if p == nil || p.methods[documented(method)] == nil || (!plain && slug(body) == "not-found") {
		return c.checkOutside(p != nil && plain, status, header, body, head)
	}
	if s := slug(body); s == "body-too-large" && status == http.StatusRequestEntityTooLarge {
		return c.checkProblem(header, body, status, c.problem) // whatever the method
	}
	r := p.methods[documented(method)][status]
	if r == nil {
		return fmt.Errorf("the status is not documented for %s %s: %s", documented(method), p.template, excerpt(body))
	}
	return errors.Join(r.checkHeaders(header), c.checkBody(r, status, header, body, head))
}

// checkOutside checks the refusal of what has no operation.
func (c *Checker) checkOutside(known bool, status int, header http.Header, body []byte, head bool) error {
	kinds := map[string]bool{}
	for _, s := range c.outside {
		k, _ := problem.Find(s)
		wrongMethod, wrongPath := s == "method-not-allowed", s == "not-found"
		if k.Status == status && !(known && wrongPath) && !(!known && wrongMethod) {
			kinds[s] = true
		}
	}
	if len(kinds) == 0 {
		return fmt.Errorf("there is no such operation, and this is no refusal: %s", excerpt(body))
	}
	if status == http.StatusMethodNotAllowed && header.Get("Allow") == "" {
		return errors.New("no Allow")
	}
	if kind, _, _ := mime.ParseMediaType(header.Get("Content-Type")); head || kind == "text/html" { // a page, for people
		return nil
	}
	if s := slug(body); !kinds[s] {
		return fmt.Errorf("problem %q on what has no operation", s)
	}
	return c.checkProblem(header, body, status, c.problem)
}

// plainHeaders need no description: they are of the transport, or the same everywhere.
var plainHeaders = []string{
	"Cache-Control", "Connection", "Content-Length", "Content-Security-Policy", "Content-Type", "Date", "Referrer-Policy", "Transfer-Encoding",
	"X-Content-Type-Options",
	"Content-Encoding", "Content-Language", "Cross-Origin-Opener-Policy", "Permissions-Policy", "Vary", "X-Frame-Options", // of pages
}

func (r *response) checkHeaders(header http.Header) error {
	var errs []error
	for _, name := range r.required {
		if header.Get(name) == "" {
			errs = append(errs, fmt.Errorf("header %s is missing", name))
		}
	}
	for name := range header {
		if !r.knows(name) && !slices.Contains(plainHeaders, name) {
			errs = append(errs, fmt.Errorf("header %s is not documented", name))
		}
	}
	for name, schema := range r.headers {
		for _, v := range header.Values(name) {
			if err := schema.Validate(headerValue(v, schema)); err != nil {
				errs = append(errs, fmt.Errorf("header %s: %w", name, err))
			}
		}
	}
	return errors.Join(errs...)
}

func (r *response) knows(header string) bool {
	for name := range r.headers {
		if strings.EqualFold(name, header) {
			return true
		}
	}
	return false
}

// headerValue reads a header as the type that its schema wants.
func headerValue(v string, schema *jsonschema.Schema) any {
	if n, err := strconv.ParseInt(v, 10, 64); err == nil && schema.Types != nil && strings.Contains(schema.Types.String(), "integer") {
		return n
	}
	return v
}

func (c *Checker) checkBody(r *response, status int, header http.Header, body []byte, head bool) error {
	if head || len(r.content) == 0 {
		if len(body) > 0 {
			return fmt.Errorf("a body where none belongs: %s", excerpt(body))
		}
		return nil
	}
	kind, params, err := mime.ParseMediaType(header.Get("Content-Type"))
	if err != nil {
		return fmt.Errorf("content type %q: %w", header.Get("Content-Type"), err)
	}
	schema, ok := r.content[kind]
	if charset := params["charset"]; charset != "" && !strings.EqualFold(charset, "utf-8") {
		return fmt.Errorf("charset %q", charset)
	}
	switch {
	case !ok:
		return fmt.Errorf("content type %s is not documented: %s", kind, excerpt(body))
	case kind == typeProblem:
		return c.checkProblem(header, body, status, schema)
	case kind != "application/json":
		return nil
	}
	return validate(schema, body)
}

// checkProblem checks a problem against the schema of its response.
func (c *Checker) checkProblem(header http.Header, body []byte, status int, schema *jsonschema.Schema) error {
	if kind, _, _ := mime.ParseMediaType(header.Get("Content-Type")); kind != typeProblem {
		return fmt.Errorf("content type %q, want %s", header.Get("Content-Type"), typeProblem)
	}
	var errs []error
	errs = append(errs, validate(schema, body))
	var p struct {
		Title  string
		Status int
		Detail string
		ID     string `json:"request_id"`
	}
	errs = append(errs, json.Unmarshal(body, &p))
	s := slug(body)
	kind, registered := problem.Find(s)
	switch {
	case !registered:
		errs = append(errs, fmt.Errorf("problem %q is not registered", s))
	case kind.Status != status || p.Status != status:
		errs = append(errs, fmt.Errorf("problem %s says status %d and is registered with %d", s, p.Status, kind.Status))
	}
	if p.Title == "" || p.Detail == "" {
		errs = append(errs, errors.New("a problem without title or detail"))
	}
	if p.ID != header.Get("Request-Id") && header.Get("Idempotent-Replayed") == "" { // a replay says whose answer it repeats
		errs = append(errs, errors.New("request_id is not the Request-Id"))
	}
	if (status == 429 || status == 503) && header.Get("Retry-After") == "" {
		errs = append(errs, errors.New("no Retry-After"))
	}
	return errors.Join(errs...)
}

// slug is the name of the problem that a body tells, or "".
func slug(body []byte) string {
	var p struct{ Type string }
	if json.Unmarshal(body, &p) != nil || !strings.HasPrefix(p.Type, problemPrefix) {
		return ""
	}
	return p.Type[len(problemPrefix):]
}

// find returns the path that a target is of. Literal segments come before variable ones. plain is false when a variable segment has
// characters that no id has: a server may find nothing there without asking what it names.
func (c *Checker) find(target string) (best *path, plain bool) {
	segments := strings.Split(strings.TrimPrefix(target, "/"), "/")
	most := -1
	for i := range c.paths {
		p := &c.paths[i]
		literal, simple, ok := p.match(segments)
		if ok && literal > most {
			best, plain, most = p, simple, literal
		}
	}
	return best, plain
}

func (p *path) match(segments []string) (literal int, plain, ok bool) {
	plain = true
	if len(segments) != len(p.segments) {
		return 0, false, false
	}
	for i, want := range p.segments {
		switch {
		case strings.HasPrefix(want, "{"):
			plain = plain && simple(segments[i])
			if segments[i] == "" {
				return 0, false, false
			}
		case want != segments[i]:
			return 0, false, false
		default:
			literal++
		}
	}
	return literal, plain, true
}

func simple(s string) bool {
	return s != "." && s != ".." && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~") == ""
}

func excerpt(body []byte) string {
	const most = 300
	if len(body) > most {
		return string(body[:most]) + "…"
	}
	return string(body)
}
