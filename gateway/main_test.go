package gateway

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"usher/gateway/openapi"
	"usher/internal/browser"
	"usher/internal/contract"
	"usher/internal/problem"
)

// wire checks every answer of every test of this package against the API descriptions.
var wire = func() *contract.Transport {
	t, err := contract.NewTransport(&http.Transport{MaxIdleConnsPerHost: 4})
	if err != nil {
		panic(err)
	}
	return t
}()

// TestMain runs the tests, and then asks whether all that is described has occurred and nothing else.
func TestMain(m *testing.M) {
	code := browser.Main(m.Run)
	faults := wire.Complaints()
	if flag.Lookup("test.run").Value.String() == "" && flag.Lookup("test.fuzz").Value.String() == "" && flag.Lookup("test.bench").Value.String() == "" {
		faults = append(faults, unseen(wire)...)
	}
	for _, f := range faults {
		fmt.Fprintln(os.Stderr, "contract:", f)
		code = 1
	}
	os.Exit(code)
}

// unseen are the registered problems, and the operations with their statuses, that no test has brought about.
func unseen(w *contract.Transport) (out []string) {
	problems, answers := w.Problems(), w.Answers()
	for _, k := range problem.Kinds() {
		if problems[k.Slug] == 0 {
			out = append(out, "no test has seen problem "+k.Slug)
		}
	}
	for _, document := range [][]byte{openapi.Public, openapi.Admin} {
		for _, name := range described(document) {
			if answers[name] == 0 && !strings.HasSuffix(name, " 500") { // of those one is enough
				out = append(out, "no test has seen "+name)
			}
		}
	}
	return out
}
