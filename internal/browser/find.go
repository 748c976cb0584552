package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/chromedp"
)

// element is something on the page as Chromium's accessibility tree has it: what a screen reader would say.
type element struct {
	role, name string
	node       cdp.BackendNodeID
}

func (e element) String() string { return fmt.Sprintf("%s %q", e.role, e.name) }

// editable are the roles of what one types into.
var editable = []string{"textbox", "searchbox", "combobox", "spinbutton", "Date", "DateTime", "InputTime", "ColorWell"}

// elements returns what the page offers in the given roles, in the page's order; without roles, everything. A page that gives way to the
// next one at that moment may never answer, so the browser is asked again.
func (b *Tab) elements(roles ...string) (out []element) {
	b.t.Helper()
	b.wait("the accessibility tree", func() bool {
		var err error
		out, err = b.elementsOnce(roles)
		return err == nil
	})
	return out
}

func (b *Tab) elementsOnce(roles []string) (out []element, err error) {
	ctx, cancel := context.WithTimeout(b.ctx, patience/5)
	defer cancel()
	root, err := chromedp.Call(ctx, dom.GetDocument, dom.GetDocumentParams{})
	if err != nil {
		return nil, err
	}
	query := accessibility.QueryAXTreeParams{BackendNodeID: root.Root.BackendNodeID}
	if len(roles) == 1 {
		query.Role = roles[0]
	}
	found, err := chromedp.Call(ctx, accessibility.QueryAXTree, query)
	for _, n := range found.Nodes {
		e := element{role: spokenValue(n.Role), name: spokenValue(n.Name), node: n.BackendDOMNodeID}
		if !n.Ignored && (len(roles) == 0 || slices.Contains(roles, e.role)) {
			out = append(out, e)
		}
	}
	return out, err
}

// find waits for exactly one element of the roles with the name. A name that starts or ends with "…" is a part of it.
func (b *Tab) find(name string, roles ...string) element {
	b.t.Helper()
	var found, all []element
	b.wait(fmt.Sprintf("%s %q", strings.Join(roles, " or "), name), func() bool {
		found, all = nil, b.elements(roles...)
		for _, e := range all {
			if called(e.name, name) {
				found = append(found, e)
			}
		}
		return len(found) > 0
	})
	if len(found) > 1 {
		b.fatalf("%d elements are %s %q: %v", len(found), strings.Join(roles, " or "), name, found)
	}
	return found[0]
}

// called reports whether an accessible name is the one looked for.
func called(name, want string) bool {
	name = strings.Join(strings.Fields(name), " ")
	head, cutHead := strings.CutPrefix(want, "…")
	core, cutTail := strings.CutSuffix(head, "…")
	switch {
	case cutHead && cutTail:
		return strings.Contains(name, core)
	case cutHead:
		return strings.HasSuffix(name, core)
	case cutTail:
		return strings.HasPrefix(name, core)
	}
	return name == want
}

// Count says how many elements of a role and name the page has now.
func (b *Tab) Count(role, name string) (n int) {
	b.t.Helper()
	for _, e := range b.elements(role) {
		if called(e.name, name) {
			n++
		}
	}
	return n
}

// spokenValue is the text of a value of the accessibility tree.
func spokenValue(v *accessibility.Value) string {
	if v == nil {
		return ""
	}
	var text string
	if json.Unmarshal(v.Value, &text) != nil {
		return string(v.Value)
	}
	return text
}
