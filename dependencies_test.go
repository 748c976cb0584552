package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// module is what `go mod edit -json` says of one that is required.
type module struct {
	Path     string
	Indirect bool
}

var dependencyRow = regexp.MustCompile("(?m)^\\| `([a-z][a-zA-Z0-9./-]+)` \\|")

// unjustified returns where a page and a go.mod disagree: modules that are required directly, or hold a tool, and have no row, and rows of modules that are not.
func unjustified(page string, require []module, tools []string) (faults []string) {
	rows := map[string]bool{}
	for _, m := range dependencyRow.FindAllStringSubmatch(page, -1) {
		rows[m[1]] = true
	}
	for _, m := range require {
		tool := slices.ContainsFunc(tools, func(t string) bool { return strings.HasPrefix(t, m.Path+"/") })
		if (!m.Indirect || tool) && !rows[m.Path] {
			faults = append(faults, m.Path+" is required and not justified")
		}
		if !m.Indirect || tool {
			delete(rows, m.Path)
		}
	}
	for path := range rows {
		faults = append(faults, path+" is justified and not required")
	}
	return faults
}

func TestEveryDependencyIsJustified(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("docs/dependencies.md")
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("go", "mod", "edit", "-json").Output()
	if err != nil {
		t.Fatal(err)
	}
	var mod struct {
		Require []module
		Tool    []struct{ Path string }
	}
	if err := json.Unmarshal(out, &mod); err != nil {
		t.Fatal(err)
	}
	var tools []string
	for _, tool := range mod.Tool {
		tools = append(tools, tool.Path)
	}
	if len(mod.Require) < 20 || len(tools) == 0 {
		t.Errorf("only %d modules and %d tools are required: go.mod is not read", len(mod.Require), len(tools))
	}
	for _, fault := range unjustified(string(page), mod.Require, tools) {
		t.Error(fault)
	}
}

// The control: what is missing on either side is found.
func TestAnUnjustifiedDependencyIsFound(t *testing.T) {
	t.Parallel()
	page := "| `a.example/x` | what | why |\n| `a.example/tools` | what | why |\n| `a.example/gone` | what | why |\n"
	require := []module{{"a.example/x", false}, {"a.example/new", false}, {"a.example/tools", true}, {"a.example/far", true}}
	got := unjustified(page, require, []string{"a.example/tools/cmd/t"})
	if want := []string{"a.example/new is required and not justified", "a.example/gone is justified and not required"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
