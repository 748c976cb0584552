package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// picture is the architecture: which package may import which other packages of Usher. Data flows one way, and what
// two sides share is a small package that holds only the message (pass, command, event, layout). A package stands
// here before it has code; an arrow that is not here fails the test.
var picture = map[string][]string{
	// the rim: composition, and the machine at home
	"usher":        {"*"},
	"deploy/local": {},

	// the edge
	"gateway":         {"images", "gateway/lang", "gateway/page", "gateway/openapi", "booking", "booking/webhook", "catalog", "catalog/layout", "search", "waitroom", "waitroom/pass", "internal/id", "internal/problem"},
	"gateway/lang":    {},
	"gateway/page":    {"gateway/lang"},
	"gateway/openapi": {},

	// the line
	"waitroom":           {"waitroom/pace", "waitroom/pass", "internal/id", "internal/keyfile"},
	"waitroom/pace":      {},
	"waitroom/pass":      {"internal/id", "internal/keyfile"},
	"waitroom/redisline": {"waitroom", "internal/batch", "internal/guard", "internal/id", "internal/redisdb"},
	"waitroom/memline":   {"waitroom", "internal/id"},
	"waitroom/linetest":  {"waitroom", "internal/id"},
	"waitroom/memledger": {"waitroom"},
	"waitroom/pgledger":  {"waitroom", "internal/audit", "internal/batch", "internal/id"},

	// the truth
	"booking":                     {"internal/id"},
	"booking/command":             {"booking", "internal/id"},
	"booking/event":               {"booking", "internal/id"},
	"booking/sale":                {"booking", "booking/command", "booking/event", "internal/guard", "internal/id"},
	"booking/hold":                {"booking", "booking/event", "internal/guard", "internal/id", "internal/redisdb"},
	"booking/limit":               {},
	"booking/desk":                {"booking", "booking/command", "booking/event", "booking/hold", "booking/limit", "booking/pgstore", "booking/sale", "catalog/layout", "internal/batch", "internal/guard", "internal/id"},
	"booking/worker":              {"booking", "booking/command", "booking/event", "booking/pgstore", "booking/sale", "internal/guard", "internal/id", "internal/stream"},
	"booking/pgstore":             {"booking", "booking/audit", "booking/command", "booking/event", "booking/payment", "booking/payment/sandbox", "booking/report", "booking/sale", "booking/webhook", "catalog/layout", "internal/guard", "internal/id"},
	"booking/pgstore/pgtest":      {"booking/pgstore", "catalog/layout", "internal/id", "internal/testenv"},
	"booking/relay":               {"booking/command", "booking/event", "booking/pgstore", "internal/id", "internal/stream"},
	"booking/archive":             {"booking/pgstore"},
	"booking/report":              {"internal/id"},
	"booking/webhook":             {"booking", "booking/event", "internal/id"},
	"booking/audit":               {"booking/payment", "internal/audit", "internal/id"},
	"booking/payment":             {"booking", "booking/command", "internal/id"},
	"booking/payment/sandbox":     {"booking/payment", "internal/id"},
	"booking/payment/stripe":      {"booking/payment", "internal/id"},
	"booking/payment/paymenttest": {"booking/payment", "internal/id"},

	"booking/payment/stripe/stripetest": {},

	// reading
	"catalog":            {"booking", "catalog/layout", "internal/guard", "internal/id"},
	"catalog/change":     {"internal/id"},
	"catalog/layout":     {"internal/id"},
	"catalog/seatmap":    {"booking/hold", "catalog", "internal/id"},
	"catalog/redisfacts": {"catalog", "catalog/layout", "internal/id", "internal/redisdb"},
	"catalog/pgchange":   {"catalog/change", "internal/id"},
	"catalog/pgcatalog":  {"booking", "catalog", "catalog/change", "catalog/layout", "catalog/pgchange", "internal/id"},
	"catalog/importer":   {"catalog", "catalog/data", "catalog/generate", "catalog/layout", "catalog/listing", "catalog/money", "catalog/pgcatalog", "catalog/poster", "images", "images/intake", "internal/id"},
	"catalog/listing":    {"catalog/data", "catalog/money"},
	"catalog/generate":   {"catalog/data"},
	"catalog/money":      {"catalog/data"},
	"catalog/data":       {},
	"catalog/poster":     {},
	"search":             {"internal/id"},
	"search/words":       {},
	"search/cursor":      {"search"},
	"search/pgstock":     {"catalog/pgchange", "catalog/change", "internal/id", "search"},
	"search/pgtext":      {"internal/id", "search", "search/cursor", "search/pgstock", "search/words"},
	"search/elastic":     {"internal/address", "internal/id", "search", "search/cursor", "search/words"},
	"search/fallback":    {"search"},
	"search/indexer":     {"catalog/change", "internal/id", "internal/stream", "search", "search/pgsource"},
	"search/indextest":   {"internal/id", "search"},
	"search/pgsource":    {"internal/id", "search"},
	"search/searchtest":  {"internal/id", "search"},
	// pictures
	"images":            {},
	"images/intake":     {"images"},
	"images/folder":     {"images"},
	"images/s3":         {"images"},
	"images/imagestest": {"images"},

	// what every role needs
	"internal/id":                  {},
	"internal/audit":               {},
	"internal/batch":               {},
	"internal/address":             {},
	"internal/config":              {"internal/address"},
	"internal/guard":               {},
	"internal/keyfile":             {},
	"internal/hint":                {"booking/command", "internal/redisdb"},
	"internal/problem":             {},
	"internal/redisdb":             {"internal/address"},
	"internal/stream":              {"booking/command", "internal/address", "internal/batch"},
	"internal/telemetry":           {},
	"internal/virtual":             {},
	"internal/virtual/virtualtest": {"internal/virtual"},

	// proofs and measurements: nothing of the product imports them
	"internal/apptest":         {},
	"internal/baseline":        {"booking", "internal/id"},
	"internal/browser":         {"deploy/local"},
	"internal/contract":        {"gateway/openapi", "internal/problem"},
	"internal/testenv":         {"deploy/local"},
	"search/searchtest/pgtown": {"booking/pgstore", "catalog/layout", "catalog/pgcatalog", "internal/id", "internal/testenv", "search", "search/pgsource", "search/pgstock", "search/searchtest"},
	"internal/testenv/stores":  {"internal/testenv"},
	"internal/testenv/s3":      {"deploy/local", "internal/testenv"},
	"booking/simulation":       {"booking", "booking/command", "booking/event", "booking/payment", "booking/pgstore", "booking/sale", "booking/worker", "internal/guard", "internal/id", "internal/stream", "internal/virtual"},
	"waitroom/simulation":      {"internal/id", "internal/virtual", "waitroom", "waitroom/memledger", "waitroom/memline", "waitroom/pass"},
	"internal/steps":           {"booking/limit", "waitroom/pace"},
	"loadtest/crowd":           {},
	"loadtest/million":         {},
	"loadtest/searches":        {},
}

// fences names the packages that alone may use a technology.
var fences = map[string][]string{
	"github.com/valyala/fasthttp":   {"gateway"},
	"github.com/redis/go-redis/v9":  {"booking/hold", "catalog/redisfacts", "internal/redisdb", "internal/testenv", "waitroom/redisline"},
	"github.com/jackc/pgx/v5":       {"booking/pgstore", "catalog/pgcatalog", "catalog/pgchange", "internal/baseline", "internal/testenv", "search/pgsource", "search/pgstock", "search/pgtext", "search/searchtest/pgtown", "waitroom/pgledger"},
	"github.com/segmentio/kafka-go": {"deploy/local", "internal/stream", "internal/testenv"},
	"github.com/golang-jwt/jwt/v5":  {"waitroom/pass"},
	"github.com/olivere/elastic/v7": {"search/elastic"},
	"github.com/minio/minio-go/v7":  {"images/s3"},
	"github.com/stripe/stripe-go":   {"booking/payment/stripe"},
	"golang.org/x/image":            {"images/intake"},
	"github.com/chromedp":           {"internal/browser"},
}

type listed struct {
	ImportPath string
	Imports    []string
}

func TestImportsFollowThePicture(t *testing.T) {
	t.Parallel()
	for _, complaint := range complaints(packages(t), picture, fences) {
		t.Error(complaint)
	}
}

func TestAnArrowOutsideThePictureIsFound(t *testing.T) {
	t.Parallel()
	bad := []listed{
		{"usher/waitroom", []string{"usher/booking", "github.com/valyala/fasthttp"}},
		{"usher/nowhere", nil},
	}
	if got := complaints(bad, picture, fences); len(got) != 3 {
		t.Errorf("three planted faults gave %d complaints: %q", len(got), got)
	}
}

// TestTheBinaryHoldsNoTestTools: what only proofs need is not shipped.
func TestTheBinaryHoldsNoTestTools(t *testing.T) {
	t.Parallel()
	b, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	shipped := strings.Fields(string(b))
	if !slices.Contains(shipped, "usher/gateway") {
		t.Fatalf("the gateway is not among what the binary is made of: %d packages", len(shipped))
	}
	for _, p := range shipped {
		if p == "testing" || strings.HasPrefix(p, "github.com/chromedp/") || p == "usher/internal/browser" || p == "usher/internal/testenv" {
			t.Errorf("the binary holds %s", p)
		}
	}
}

func complaints(all []listed, picture, fences map[string][]string) (out []string) {
	for _, p := range all {
		name := short(p.ImportPath)
		allowed, drawn := picture[name]
		if !drawn {
			out = append(out, name+" is not in the picture: draw it, then write it")
			continue
		}
		for _, i := range p.Imports {
			if strings.HasPrefix(i, "usher/") && !slices.Contains(allowed, "*") && !slices.Contains(allowed, short(i)) {
				out = append(out, name+" → "+short(i)+" is an arrow outside the picture")
			}
			for technology, owners := range fences {
				if (i == technology || strings.HasPrefix(i, technology+"/")) && !slices.Contains(owners, name) {
					out = append(out, name+" uses "+technology+", which belongs to "+strings.Join(owners, ", "))
				}
			}
		}
	}
	return out
}

func short(path string) string { return strings.TrimPrefix(path, "usher/") }

func packages(t *testing.T) (out []listed) {
	t.Helper()
	b, err := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports", "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for d := json.NewDecoder(bytes.NewReader(b)); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return out
		} else if err != nil {
			t.Fatal(err)
		}
		out = append(out, p)
	}
}
