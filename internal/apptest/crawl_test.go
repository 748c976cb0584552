package apptest

import (
	"encoding/xml"
	"slices"
	"strings"
	"testing"
)

const venuePage = `<!doctype html><title>The Tannery</title><script type="application/ld+json">
{"@type": "MusicEvent", "@id": "https://tannery.example/owls", "name": "Owls at the Tannery", "startDate": "2039-02-01T20:00", "performer": "The Owls",
 "location": {"name": "The Tannery", "address": {"addressLocality": "Leeds", "addressCountry": "GB"}}, "offers": {"price": "£12"}}
</script>`

// TestACrawlerFindsWhatAPageBroughtIn: from a venue's page through the import to the list for search engines, the event's page, and a calendar.
func TestACrawlerFindsWhatAPageBroughtIn(t *testing.T) {
	t.Parallel()
	s := Start(t, Options{Catalog: threeEvents(6)})
	s.must("import", "--seats", "60", write(t, t.TempDir(), "page.html", venuePage))
	fan := NewFan(t, client, s.Public[0])
	found, _ := must(t, fan.Do("GET", "/api/v1/events/search?q=owls+tannery", nil), 200).Body["events"].([]any)
	if len(found) != 1 {
		t.Fatalf("found %v", found)
	}
	owls, _ := found[0].(map[string]any)["id"].(string)
	read := func(path string) string { return string(must(t, fan.Do("GET", path, nil), 200).Raw) }
	locations := func(path string) (out []string) {
		var list struct {
			Maps []string `xml:"sitemap>loc"`
			URLs []string `xml:"url>loc"`
		}
		if err := xml.Unmarshal([]byte(read(path)), &list); err != nil {
			t.Fatal(err)
		}
		for _, l := range append(list.Maps, list.URLs...) {
			out = append(out, strings.TrimPrefix(l, s.Public[0]))
		}
		return out
	}
	_, sitemap, _ := strings.Cut(read("/robots.txt"), "Sitemap: "+s.Public[0])
	var pages []string
	for _, part := range locations(strings.TrimSpace(sitemap)) {
		pages = append(pages, locations(part)...)
	}
	if len(pages) != 4 || !slices.Contains(pages, "/events/"+owls) {
		t.Fatalf("pages %q, want four with /events/%s", pages, owls)
	}
	for _, p := range pages {
		read(p)
	}
	if page := read("/events/" + owls); !strings.Contains(page, "Owls at the Tannery") || !strings.Contains(page, "Leeds") {
		t.Errorf("the event's page: %s", page)
	}
	if calendar := read("/events.ics?location=Leeds"); !strings.Contains(calendar, "UID:"+owls+"@usher\r\n") || strings.Count(calendar, "BEGIN:VEVENT") != 1 {
		t.Errorf("the calendar of Leeds: %s", calendar)
	}
	if all := read("/events.ics"); strings.Count(all, "BEGIN:VEVENT") != 4 {
		t.Errorf("the calendar of everything: %s", all)
	}
}
