package searchtest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"usher/search"
)

// stage is a catalog of names from all over the world.
func stage() Catalog {
	return Catalog{
		Venues: []Venue{
			{Key: "metlife", Name: "MetLife Stadium", City: "East Rutherford", Country: "US", Location: "East Rutherford, United States", Zone: "America/New_York"},
			{Key: "lantern", Name: "The Lantern", City: "Toronto", Country: "CA", Location: "Toronto, Canada", Zone: "America/Toronto"},
			{Key: "garoa", Name: "Teatro da Garoa", City: "São Paulo", Country: "BR", Location: "São Paulo, Brazil", Zone: "America/Sao_Paulo"},
			{Key: "isar", Name: "Isarhalle", City: "München", Country: "DE", Location: "München, Germany", Zone: "Europe/Berlin"},
			{Key: "dome", Name: "東京ドーム", City: "Tokyo", Country: "JP", Location: "Tokyo, Japan", Zone: "Asia/Tokyo"},
		},
		Performers: []Performer{
			{"owls", "The Copper Owls"}, {"soma", "Sōma & Friends"}, {"elodie", "Élodie Marchand"}, {"night", "夜の灯"}, {"fairuz", "فيروز الليل"}, {"lata", "लता संगीत"}, {"the", "The The"},
		},
		Events: []Event{
			{Key: "final", Name: "The Final", Venue: "metlife", Performers: []string{"soma"}, Category: "Sport", Start: soon(1)},
			{Key: "owls", Name: "Night Flight", Venue: "lantern", Performers: []string{"owls", "soma"}, Category: "Rock", Start: soon(2)},
			{Key: "garoa", Name: "Noite", Venue: "garoa", Performers: []string{"elodie"}, Category: "Jazz & Blues", Start: soon(3)},
			{Key: "isar", Name: "Sommernacht 2030", Venue: "isar", Performers: []string{"elodie"}, Category: "Jazz & Blues", Start: soon(4)},
			{Key: "night", Name: "灯の夜", Venue: "dome", Performers: []string{"night"}, Category: "Rock", Start: soon(5)},
			{Key: "fairuz", Name: "ليلة", Venue: "isar", Performers: []string{"fairuz"}, Start: soon(6)},
			{Key: "lata", Name: "रात", Venue: "lantern", Performers: []string{"lata"}, Start: soon(7)},
			{Key: "the", Name: "Soul Mining", Venue: "metlife", Performers: []string{"the"}, Start: soon(8)},
		},
	}
}

// texts: no case, no accents, any order, every part of the event, the last word unfinished, any script.
func texts(t *testing.T, w *world) {
	w.put(stage())
	f := func(q string, want ...string) { t.Helper(); w.finds(text(q), want...) }
	f("sao paulo", "garoa")
	f("SÃO  PAULO!", "garoa")
	f("Munchen", "isar", "fairuz")
	f("münchen elodie", "isar")
	f("ELODIE", "garoa", "isar")
	f("soma friends", "final", "owls")
	f("owls copper", "owls")
	f("the copper owls at the lantern in toronto", "owls")
	f("the the", "the", "final", "lata", "owls") // connecting words alone do count
	f("the the mining", "the")
	f("copper rock canada", "owls")
	f("blues", "garoa", "isar")
	f("metli", "final", "the")
	f("coppe owls", "owls") // an unfinished word that is not the last is a typo
	f("2030", "isar")
	f("203", "isar")
	f("夜の灯", "night")
	f("灯", "night")
	f("灯の夜", "night")
	f("夜灯") // these do not follow each other
	f("ドーム", "night")
	f("東京 夜", "night")
	f("فيروز", "fairuz")
	f("लता", "lata")
	f("संगीत लता", "lata")
	f("owls paris")
	f("🦉")
	f("...")
	// With everything else, and in every order.
	w.finds(search.Query{Text: "soma", Location: "toronto"}, "owls")
	w.finds(search.Query{Text: "elodie", Category: "JAZZ & BLUES", Venue: "isarhalle"}, "isar")
	w.finds(search.Query{Text: "elodie", Performer: "soma"})
	w.finds(search.Query{Performer: "copper owls"}, "owls")
	w.finds(search.Query{Performer: "owls soma"}) // of two performers
	w.finds(search.Query{Performer: "夜の灯"}, "night")
	w.finds(search.Query{Performer: "cop"})
	w.finds(search.Query{Performer: "..."})
	w.finds(search.Query{Category: "rock"}, "owls", "night")
	w.finds(search.Query{Category: "blues"})
	w.finds(search.Query{Category: "..."})
}

// typos: one edit in words of 4 to 7 letters, two in longer ones, none in shorter ones and in numbers.
func typos(t *testing.T, w *world) {
	w.put(stage())
	f := func(q string, want ...string) { t.Helper(); w.finds(text(q), want...) }
	f("Metlife Stadum", "final", "the")
	f("Coper Owls", "owls")
	f("copper olws", "owls") // neighbours exchanged
	f("xopper", "owls")
	f("copperr lantern", "owls")
	f("cpoper owsl", "owls")
	f("sommrnahct", "isar") // two
	f("ruthrfrd", "final", "the")
	f("sao pualo", "garoa")
	f("elodei marchad", "garoa", "isar")
	f("coxxer") // two in a short word
	f("smmrnct")
	f("2031")
	f("owx") // too short
	// Nothing is corrected where something is found as it is typed.
	w.put(Catalog{Performers: []Performer{{"coper", "Coper Brothers"}}, Events: []Event{{Key: "coper", Name: "Family", Venue: "isar", Performers: []string{"coper"}, Start: soon(9)}}})
	keys, _ := w.page(text("coper"))
	if len(keys) == 0 || keys[0] != "coper" {
		t.Errorf("coper found %q, want the exact match first", keys)
	}
	f("coper owls", "owls")
}

// relevance: the better the text fits the earlier, then the nearer in time; what is over comes last.
func relevance(t *testing.T, w *world) {
	c := stage()
	c.Performers = append(c.Performers, Performer{"amber", "Amber"}, Performer{"amberley", "Amberley"})
	c.Venues = append(c.Venues, Venue{Key: "amber", Name: "Amber Hall", City: "Oslo", Country: "NO", Location: "Oslo, Norway", Zone: "Europe/Oslo"})
	event := func(key, name, venue, performer string, days int) Event {
		return Event{Key: key, Name: name, Venue: venue, Performers: []string{performer}, Start: soon(days)}
	}
	c.Events = []Event{
		event("venue", "A show", "amber", "soma", 1), event("name", "Amber light", "lantern", "soma", 2), event("performer", "A show", "lantern", "amber", 40),
		event("sooner", "A show", "lantern", "amber", 30), event("both", "Amber", "amber", "amber", 90), event("unfinished", "A show", "lantern", "amberley", 1),
		event("over", "A show", "lantern", "amber", -10), event("longer over", "A show", "lantern", "amber", -20),
	}
	w.put(c)
	w.inOrder(text("amber"), "both", "sooner", "performer", "name", "venue", "unfinished", "over", "longer over")
	w.inOrder(search.Query{Text: "amber", Sort: search.ByDate}, "longer over", "over", "venue", "unfinished", "name", "sooner", "performer", "both")
}

// renaming: what is changed is found under its new words only.
func renaming(t *testing.T, w *world) {
	w.put(stage())
	c := Catalog{Venues: []Venue{stage().Venues[1]}, Performers: []Performer{{"owls", "The Silver Herons"}}}
	c.Venues[0].Name = "The Lighthouse"
	w.put(c)
	w.finds(text("copper owls"))
	w.finds(text("silver herons"), "owls")
	w.finds(search.Query{Performer: "silver herons"}, "owls")
	w.finds(text("lighthouse"), "owls", "lata")
	e := stage().Events[1]
	e.Name, e.Category, e.Performers, e.Start = "Daybreak", "Folk", []string{"elodie"}, soon(20)
	w.put(Catalog{Events: []Event{e}})
	w.finds(text("silver"))
	w.finds(text("daybreak lighthouse marchand"), "owls")
	w.finds(search.Query{Category: "rock"}, "night")
	w.finds(search.Query{Category: "folk", StartDate: soon(19), EndDate: soon(21)}, "owls")
}

// hostile: no text has a meaning beyond its words, and none that a parser could let through fails.
func hostile(t *testing.T, w *world) {
	w.put(stage())
	for _, s := range []string{
		"%", "_", "%owls%", `\`, `\\'`, `'`, `''`, `"`, "&", "|", "!", ":*", "(", ")", "<->", "owls & | !", "zz:*q", "'owls':*A", "owls';--", "$1", "{}", "E'\\x'", "*", "?", "#1", "@rock",
		strings.Repeat("🦉", 200), "\u200f\u202eowls\u202c", "\u0301\u0301", strings.Repeat("a", 1000), strings.Repeat("é ", 300), strings.Repeat("夜", 300), strings.Repeat("ab ", 300), "\ufeff",
		"\U0010ffff", "a\u0000b", "\xff\xfe", strings.Repeat("x", 10_000),
	} {
		for _, q := range []search.Query{text(s), {Performer: s}, {Venue: s}, {Location: s}, {Category: s}} {
			page, err := w.Search(context.Background(), q)
			if refused := hopeless(s); refused != (err != nil) {
				t.Errorf("%.40q in %+.100v: %v", s, q, err)
			}
			if !strings.Contains(s, "owls") && !strings.Contains(s, "rock") && !strings.Contains(s, "夜") && len(page.Events) > 0 {
				t.Errorf("%.40q in %s found %d events", s, told(q), len(page.Events))
			}
		}
		if _, err := w.Suggest(context.Background(), s, 5); hopeless(s) != (err != nil) {
			t.Errorf("suggest %.40q: %v", s, err)
		}
	}
	w.finds(text("%owls%"), "owls")
	for _, limit := range []int{-1, 0, 21} {
		if _, err := w.Suggest(context.Background(), "a", limit); err == nil {
			t.Errorf("%d suggestions are made", limit)
		}
	}
}

// hopeless reports whether a text must be refused.
func hopeless(s string) bool {
	return len(s) > 1000 || !utf8.ValidString(s) || strings.ContainsRune(s, 0)
}

// suggestions: names by kind, each with what tells it from another.
func suggestions(t *testing.T, w *world) {
	w.put(stage())
	f := func(typed string, want ...string) {
		t.Helper()
		found, err := w.Suggest(context.Background(), typed, 20)
		var got []string
		for _, s := range found.List {
			got = append(got, strings.TrimSpace(s.Kind+" "+s.Text+" ("+s.Detail+")"))
			if (s.ID == "") != (s.Kind == "city") {
				t.Errorf("%q: %+v", typed, s)
			}
		}
		for _, s := range want {
			if !strings.Contains(fmt.Sprint(got), s) {
				t.Errorf("%q: %q, %v; want %q", typed, got, err, s)
			}
		}
		if len(want) == 0 && len(got) > 0 {
			t.Errorf("%q: %q, want nothing", typed, got)
		}
	}
	f("cop", "performer The Copper Owls ()")
	f("owl", "performer The Copper Owls ()")
	f("the copper o", "performer The Copper Owls ()")
	f("metl", "venue MetLife Stadium (East Rutherford, United States)")
	f("SAO", "city São Paulo (São Paulo, Brazil)")
	f("tor", "city Toronto (Toronto, Canada)")
	f("night", "event Night Flight (Toronto, Canada)")
	f("夜", "performer 夜の灯 ()")
	f("coper", "performer The Copper Owls ()")
	f("stadum", "venue MetLife Stadium")
	f("zzzzzz")
	f("")
	f("%")
	found, err := w.Suggest(context.Background(), "t", 2)
	if list := found.List; err != nil || len(list) != 2 || found.Degraded || !strings.HasPrefix(strings.ToLower(list[0].Text), "t") {
		t.Errorf("t: %+v, %v", found, err)
	}
}
