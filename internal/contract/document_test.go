package contract

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pb33f/libopenapi"

	"usher/gateway/openapi"
	"usher/internal/problem"
)

var documents = map[string][]byte{"public": openapi.Public, "admin": openapi.Admin}

func TestTheDocumentsAreOpenAPI31(t *testing.T) {
	t.Parallel()
	for name, doc := range documents {
		d, err := libopenapi.NewDocument(doc)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if v := d.GetVersion(); !strings.HasPrefix(v, "3.1") {
			t.Errorf("%s: version %s", name, v)
		}
		model, err := d.BuildV3Model()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for template, item := range model.Model.Paths.PathItems.FromOldest() {
			for method, op := range item.GetOperations().FromOldest() {
				if op.Summary == "" {
					t.Errorf("%s: %s %s has no summary", name, method, template)
				}
				var variables int
				for _, p := range slices.Concat(item.Parameters, op.Parameters) {
					if p.In == "path" {
						variables++
						if !strings.Contains(template, "{"+p.Name+"}") {
							t.Errorf("%s: %s %s describes %s, which is not in the path", name, method, template, p.Name)
						}
					}
				}
				if want := strings.Count(template, "{"); variables != want {
					t.Errorf("%s: %s %s describes %d of %d variables of its path", name, method, template, variables, want)
				}
			}
		}
	}
}

// libopenapi is a reader; this is the proof that it looks.
func TestControlABrokenDocumentIsSeen(t *testing.T) {
	t.Parallel()
	broken := strings.Replace(string(openapi.Public), "#/components/schemas/Booking", "#/components/schemas/Nothing", 1)
	d, err := libopenapi.NewDocument([]byte(broken))
	if err == nil {
		_, err = d.BuildV3Model()
	}
	if err == nil {
		t.Error("a reference to nothing was not seen by libopenapi")
	}
	if len(dangling(t, []byte(broken))) != 1 {
		t.Error("a reference to nothing was not seen by our own walk")
	}
}

func TestEveryReferenceLeadsSomewhere(t *testing.T) {
	t.Parallel()
	for name, doc := range documents {
		for _, ref := range dangling(t, doc) {
			t.Errorf("%s: %s leads nowhere", name, ref)
		}
	}
}

// dangling returns the references of a document that lead nowhere.
func dangling(t *testing.T, doc []byte) (out []string) {
	t.Helper()
	var tree any
	if err := json.Unmarshal(doc, &tree); err != nil {
		t.Fatal(err)
	}
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, item := range v {
				walk(item)
			}
		case map[string]any:
			if ref, ok := v["$ref"].(string); ok && !resolves(tree, ref) {
				out = append(out, ref)
			}
			for _, item := range v {
				walk(item)
			}
		}
	}
	walk(tree)
	return out
}

func resolves(tree any, ref string) bool {
	steps, ok := strings.CutPrefix(ref, "#/")
	for step := range strings.SplitSeq(steps, "/") {
		m, _ := tree.(map[string]any)
		tree = m[strings.NewReplacer("~1", "/", "~0", "~").Replace(step)]
	}
	return ok && tree != nil
}

// responses calls do for every response of both documents.
func responses(t *testing.T, do func(where string, status int, r responseDoc)) {
	t.Helper()
	for name, doc := range documents {
		d, err := read(doc)
		if err != nil {
			t.Fatal(err)
		}
		err = d.operations(func(template, method string, responses map[int]responseDoc) error {
			for status, r := range responses {
				do(fmt.Sprintf("%s: %s %s %d", name, method, template, status), status, r)
			}
			return nil
		})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestEveryAnswerCarriesWhatTheContractPromises(t *testing.T) {
	t.Parallel()
	responses(t, func(where string, status int, r responseDoc) {
		if !r.Headers["Request-Id"].Required {
			t.Errorf("%s: Request-Id is not required", where)
		}
		if later := status == 202 || status == 429 || status == 503; later && !r.Headers["Retry-After"].Required {
			t.Errorf("%s: Retry-After is not required", where)
		}
		if _, ok := r.Content[typeProblem]; status >= 400 && !ok {
			t.Errorf("%s: no %s", where, typeProblem)
		}
	})
}

func TestEveryProblemIsRegisteredAndDocumented(t *testing.T) {
	t.Parallel()
	documented := map[string]bool{
		"not-found": true, "method-not-allowed": true, // what has no operation cannot document them
	}
	responses(t, func(where string, status int, r responseDoc) {
		if status >= 400 && len(r.problems()) == 0 {
			t.Errorf("%s: says not which problems", where)
		}
		for _, s := range r.problems() {
			documented[s] = true
			if k, ok := problem.Find(s); !ok || k.Status != status {
				t.Errorf("%s: problem %s is registered as %+v", where, s, k)
			}
		}
	})
	for _, k := range problem.Kinds() {
		if !documented[k.Slug] {
			t.Errorf("problem %s is registered and stands in neither document", k.Slug)
		}
	}
}
