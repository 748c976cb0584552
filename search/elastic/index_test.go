package elastic

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/olivere/elastic/v7"

	"usher/internal/testenv"
	"usher/search"
	"usher/search/indextest"
	"usher/search/words"
)

func TestIndex(t *testing.T) {
	t.Parallel()
	indextest.Run(t, func(t testing.TB) indextest.Indexed {
		c := newClient(t, 1)
		return indextest.Elasticsearch(c, testenv.Elasticsearch(t))
	})
}

// A bulk to an index that is gone would make one that takes anything and finds nothing.
func TestNoIndexIsMadeByWriting(t *testing.T) {
	t.Parallel()
	c := newClient(t, 1)
	name := c.prefix + "-20260101-000000-000000-abcdef"
	if _, err := c.Put(t.Context(), name, []search.Document{indextest.Sample(1, 1)}); err == nil {
		t.Error("an index that nobody has made takes documents")
	}
	if there, err := c.es.IndexExists(name).Do(t.Context()); there || err != nil {
		t.Errorf("it exists now: %t, %v", there, err)
	}
}

// After an upgrade that stores documents in another form nobody searches what is stored in the old one, and the old version searches on until the second index of the new form.
// The control has the same form.
func TestAnIndexIsSearchedInItsOwnFormOnly(t *testing.T) {
	t.Parallel()
	old := newClient(t, 1)
	same, next := *old, *old
	next.alias = old.prefix + "-00000000"
	first := newIndex(t, old)
	for name, c := range map[string]struct {
		*Client
		want string
	}{"the old form": {old, first}, "the control": {&same, first}, "another form": {&next, ""}} {
		if current, err := c.Current(t.Context()); current != c.want || err != nil {
			t.Errorf("%s: %q is searched, want %q: %v", name, current, c.want, err)
		}
	}
	second := newIndex(t, &next)
	if current, err := old.Current(t.Context()); current != first || err != nil {
		t.Errorf("beside the new form %q is searched in the old one: %v", current, err)
	}
	third := newIndex(t, &next)
	if current, err := old.Current(t.Context()); current != "" || err != nil {
		t.Errorf("%q is left: %v", current, err)
	}
	if all, err := old.aliases(t.Context(), old.prefix+"-*"); len(all) != 2 || all[second] == nil || all[third] == nil || err != nil {
		t.Errorf("%v are left: %v", all, err)
	}
}

// Another system's indices are not ours because their names begin like ours.
func TestIndicesOfAnotherPrefixAreLeftAlone(t *testing.T) {
	t.Parallel()
	ours := newClient(t, 1)
	theirs := *ours
	theirs.prefix += "-1"
	theirs.alias = theirs.prefix + "-form"
	before := newIndex(t, &theirs)
	newIndex(t, ours)
	newIndex(t, ours)
	if current, err := theirs.Current(t.Context()); current != before || err != nil {
		t.Errorf("%q is left of %q: %v", current, before, err)
	}
}

// An index that is laid out has one segment, whatever it had before.
func TestAPackedIndexHasOneSegment(t *testing.T) {
	t.Parallel()
	c := newClient(t, 1)
	name := newIndex(t, c)
	segments := func() int {
		all, err := c.es.IndexSegments(name).Do(t.Context())
		if err != nil || all.Indices[name] == nil {
			t.Fatal(err)
		}
		n := 0
		for _, shard := range all.Indices[name].Shards["0"] {
			for _, s := range shard.Segments {
				if s.Search {
					n++
				}
			}
		}
		return n
	}
	for n := range 3 {
		if refused, err := c.Put(t.Context(), name, []search.Document{indextest.Sample(n+1, 1)}); err != nil || len(refused) > 0 {
			t.Fatal(refused, err)
		}
		indextest.Must(t, c.Refresh(t.Context(), name))
	}
	if n := segments(); n < 2 {
		t.Fatalf("%d segments: there is nothing to merge", n)
	}
	indextest.Must(t, c.Pack(t.Context(), name))
	indextest.Must(t, c.Refresh(t.Context(), name))
	if n := segments(); n != 1 {
		t.Errorf("%d segments are left", n)
	}
}

// What is not a document of ours is refused: nobody else adds members that are found by chance.
func TestTheMappingIsStrict(t *testing.T) {
	t.Parallel()
	c := newClient(t, 1)
	name := newIndex(t, c)
	_, err := c.es.Index().Index(name).BodyString(`{"id": "x", "nickname": "y"}`).Do(t.Context())
	if err == nil || !strings.Contains(err.Error(), "strict_dynamic_mapping_exception") {
		t.Errorf("a member that nobody knows: %v", err)
	}
}

func TestDocumentsThatNobodyCanStoreAreRefusedAlone(t *testing.T) {
	t.Parallel()
	c := newClient(t, 1)
	name := newIndex(t, c)
	good, long, unversioned, nobody, label := indextest.Sample(1, 1), indextest.Sample(2, 1), indextest.Sample(3, 0), indextest.Sample(4, 1), indextest.Sample(5, 1)
	long.Details = strings.Repeat("x", maxDocument)
	nobody.Event = 0
	label.Venue.Name = strings.Repeat("x", 40_000) // longer than a value that is counted may be
	refused, err := c.Put(t.Context(), name, []search.Document{long, good, unversioned, nobody, label})
	if err != nil || len(refused) != 4 {
		t.Fatalf("refused %+v, %v", refused, err)
	}
	for _, r := range refused {
		if r.Event == good.Event || r.Reason == "" || len(r.Reason) > 1000 {
			t.Errorf("refused %s: %q", r.Event, r.Reason)
		}
	}
}

// A large delivery goes in several requests.
func TestManyDocumentsAreStored(t *testing.T) {
	t.Parallel()
	c := newClient(t, 1)
	name := newIndex(t, c)
	var docs []search.Document
	for n := range 300 {
		d := indextest.Sample(n+1, 1)
		d.Details = strings.Repeat("x", 20_000) // 6 MB in all
		docs = append(docs, d)
	}
	refused, err := c.Put(t.Context(), name, docs)
	if err != nil || len(refused) > 0 {
		t.Fatal(refused, err)
	}
	indextest.Must(t, c.Refresh(t.Context(), name))
	if n, err := c.es.Count(name).Do(t.Context()); err != nil || n != 300 {
		t.Errorf("%d documents, %v", n, err)
	}
}

// TestTheThreeFoldsAgree: Go, Postgres and Elasticsearch bring every text into the same form, or words would be stored and not found.
func TestTheThreeFoldsAgree(t *testing.T) {
	t.Parallel()
	w := newTown(t, 1)
	var texts []string
	for from := range words.Accents() {
		texts = append(texts, fmt.Sprintf("a%cb %c%c", from, from, from))
	}
	for _, block := range [][2]rune{{0x20, 0x24f}, {0x370, 0x52f}, {0x5d0, 0x5ea}, {0x620, 0x64a}, {0x904, 0x97f}, {0xe01, 0xe3a}, {0x1e00, 0x1fff}, {0x2000, 0x206f}, {0x2150, 0x218b}, {0x3000, 0x30ff}, {0x4e00, 0x4f00}, {0xac00, 0xad00}, {0xff00, 0xffef}} {
		for r := block[0]; r <= block[1]; r++ {
			texts = append(texts, fmt.Sprintf("a%cb %c%c", r, r, r))
		}
	}
	var inPostgres []string
	if err := w.Pool().QueryRow(t.Context(), `SELECT array_agg(btrim(usher_fold(t)) ORDER BY n) FROM unnest($1::text[]) WITH ORDINALITY AS texts (t, n)`, texts).Scan(&inPostgres); err != nil {
		t.Fatal(err)
	}
	inElasticsearch := w.analyzed(t, "whole", texts)
	faults := 0
	for i, text := range texts {
		inGo := words.Fold(text)
		if inGo != inPostgres[i] || inGo != inElasticsearch[i] {
			if faults++; faults < 40 {
				t.Errorf("%+q: %+q in Go, %+q in Postgres, %+q in Elasticsearch", text, inGo, inPostgres[i], inElasticsearch[i])
			}
		}
	}
	t.Logf("%d of %d texts differ", faults, len(texts))
}

// analyzed returns the words of texts, as an analyzer of the index tells them apart.
func (w *town) analyzed(t *testing.T, analyzer string, texts []string) (out []string) {
	t.Helper()
	for len(texts) > 0 {
		some := texts[:min(len(texts), 500)]
		texts = texts[len(some):]
		// A mark that no text has stands between them.
		body, err := json.Marshal(map[string]any{"analyzer": analyzer, "text": strings.Join(some, " markmark ")})
		if err != nil {
			t.Fatal(err)
		}
		r, err := w.es.PerformRequest(t.Context(), elastic.PerformRequestOptions{Method: "POST", Path: "/" + w.index + "/_analyze", Body: string(body)})
		if err != nil {
			t.Fatal(err)
		}
		var answer struct{ Tokens []struct{ Token string } }
		if err := json.Unmarshal(r.Body, &answer); err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, token := range answer.Tokens {
			all = append(all, token.Token)
		}
		for part := range strings.SplitSeq(strings.Join(all, " ")+" ", "markmark ") {
			out = append(out, strings.TrimSpace(part))
		}
	}
	return out
}
