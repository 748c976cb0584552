package listing

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

const (
	maxDepth  = 64
	maxEvents = 20_000 // of one value
	maxVisits = 50_000 // nodes looked at for them: references may lead to the same node again and again
)

// categories are ours for the types of schema.org; one that is not here is an event of no category.
var categories = map[string]string{
	"MusicEvent": "concert", "TheaterEvent": "theatre", "ComedyEvent": "comedy", "DanceEvent": "dance", "ChildrensEvent": "family", "SportsEvent": "sport",
	"Festival": "festival", "ExhibitionEvent": "exhibition", "VisualArtsEvent": "exhibition", "ScreeningEvent": "film", "LiteraryEvent": "literature",
	"FoodEvent": "food", "BusinessEvent": "business", "EducationEvent": "education", "SocialEvent": "social",
}

// node is an object of JSON-LD, its members named without their vocabulary.
type node = map[string]any

// graph is one value of JSON-LD, or all of a page.
type graph struct {
	base   *url.URL // of relative addresses; nil: none is known
	byID   map[string]node
	events []node // that collect has found
	visits int
}

func newGraph(base *url.URL) *graph { return &graph{base: base, byID: map[string]node{}} }

// normal takes the vocabulary off names and the wrapping off values ({"@value": x}), and remembers which node has which @id.
func (g *graph) normal(v any, depth int) (any, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("nested more than %d deep: nothing of it is read", maxDepth)
	}
	switch v := v.(type) {
	case []any:
		for i := range v {
			var err error
			if v[i], err = g.normal(v[i], depth+1); err != nil {
				return nil, err
			}
		}
	case node:
		if inner, wrapped := v["@value"]; wrapped {
			return g.normal(inner, depth+1)
		}
		out := make(node, len(v))
		for name, value := range v {
			n, err := g.normal(value, depth+1)
			if err != nil {
				return nil, err
			}
			if name = term(name); out[name] == nil {
				out[name] = n
			}
		}
		if id, ok := out["@id"].(string); ok && len(out) > 1 && len(g.byID[id]) < len(out) {
			g.byID[id] = out
		}
		return out, nil
	}
	return v, nil
}

// term is a name without its vocabulary.
func term(name string) string {
	for _, prefix := range []string{"schema:", "http://schema.org/", "https://schema.org/"} {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			return rest
		}
	}
	return name
}

var errTooMany = fmt.Errorf("more than %d events in one value: write one event a line", maxEvents)

// collect finds events. A part of an event has what it lacks from the whole.
func (g *graph) collect(v any, whole node, depth int) error {
	if g.visits++; g.visits > maxVisits || len(g.events) > maxEvents {
		return errTooMany
	}
	if depth > maxDepth {
		return nil
	}
	for _, item := range list(v) {
		n, ok := g.follow(item)
		if !ok {
			continue
		}
		if !isEvent(n) {
			if err := g.within(n, whole, depth); err != nil {
				return err
			}
			continue
		}
		if above, ok := g.follow(first(n["superEvent"])); ok && whole == nil {
			n = inherit(n, above)
		}
		n = inherit(n, whole)
		if parts := g.parts(n); len(parts) > 0 {
			if err := g.collect(parts, n, depth+1); err != nil {
				return err
			}
			continue
		}
		g.events = append(g.events, n)
	}
	return nil
}

// within finds the events in what is none itself: a graph, a list, or a place, which is where its events are.
func (g *graph) within(n, whole node, depth int) error {
	if n["address"] != nil || n["geo"] != nil {
		whole = inherit(node{"location": n}, whole)
	}
	for _, name := range []string{"@graph", "itemListElement", "item", "mainEntity", "event", "events"} {
		if n[name] == nil {
			continue
		}
		if err := g.collect(n[name], whole, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// parts are the events of an event that have starts of their own.
func (g *graph) parts(n node) (out []any) {
	for _, name := range []string{"subEvent", "subEvents"} {
		for _, item := range list(n[name]) {
			if part, ok := g.follow(item); ok && isEvent(part) && words(part["startDate"]) != "" {
				out = append(out, part)
			}
		}
	}
	return out
}

// inherited are the members that a part has from its whole.
var inherited = []string{
	"name", "description", "image", "location", "performer", "performers", "offers", "maximumAttendeeCapacity", "isAccessibleForFree", "eventStatus",
	"eventAttendanceMode", "doorTime",
}

func inherit(n, whole node) node {
	if whole == nil {
		return n
	}
	out := make(node, len(n)+len(inherited))
	for name, v := range n {
		out[name] = v
	}
	for _, name := range inherited {
		if out[name] == nil && whole[name] != nil {
			out[name] = whole[name]
		}
	}
	if len(list(n["performer"])) > 0 {
		delete(out, "performers")
	}
	return out
}

// follow returns an object, or the one that a reference {"@id": …} names.
func (g *graph) follow(v any) (node, bool) {
	n, ok := v.(node)
	if !ok {
		return nil, false
	}
	if id, is := n["@id"].(string); is && len(n) <= 2 && g.byID[id] != nil {
		return g.byID[id], true
	}
	return n, true
}

// types are the types of a node without their vocabulary.
func types(n node) (out []string) {
	for _, v := range list(n["@type"]) {
		if s, ok := v.(string); ok && len(out) < 20 {
			s = strings.TrimRight(term(strings.TrimSpace(s)), "/")
			out = append(out, s[strings.LastIndexAny(s, "/#")+1:])
		}
	}
	return out
}

func isEvent(n node) bool {
	return slices.ContainsFunc(types(n), func(t string) bool {
		return strings.HasSuffix(t, "Event") || t == "Festival" || t == "EventSeries" || t == "CourseInstance" || t == "Hackathon"
	})
}

// list is a value as a list: none, one or several.
func list(v any) []any {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		return v
	}
	return []any{v}
}

// first is the first of several.
func first(v any) any {
	if l := list(v); len(l) > 0 {
		return l[0]
	}
	return nil
}

// words is the text of a value: of the first of several, or the name of an object.
func words(v any) string {
	for range 8 {
		switch x := v.(type) {
		case string:
			return strings.TrimSpace(x)
		case json.Number:
			return x.String()
		case []any:
			v = first(x)
		case node:
			if v = x["name"]; v == nil {
				v = x["@id"]
			}
		default:
			return ""
		}
	}
	return ""
}

// draft reads an event's members.
func (g *graph) draft(n node) *draft {
	d := &draft{
		name: words(n["name"]), details: words(n["description"]), seats: words(n["maximumAttendeeCapacity"]),
		when: times{words(n["startDate"]), words(n["previousStartDate"]), words(n["endDate"]), words(n["doorTime"]), words(n["duration"])},
		url:  address(g.base, words(n["url"])),
	}
	if d.when.start == "" {
		d.when.start = words(n["startTime"])
	}
	if id, ok := n["@id"].(string); ok && !strings.HasPrefix(id, "_:") {
		d.id = address(g.base, id)
	}
	d.identifier, d.site = identifier(n["identifier"]), host(g.base, d.id, d.url)
	for _, t := range types(n) {
		if d.category == "" {
			d.category = categories[t]
		}
	}
	status := term(words(n["eventStatus"]))
	d.status = status[strings.LastIndexByte(status, '/')+1:]
	d.image = g.image(n["image"])
	g.readPlace(n, d)
	for _, name := range []string{"performer", "performers", "homeTeam", "awayTeam", "competitor"} {
		g.readPerformers(n[name], d)
	}
	g.readOffers(n["offers"], d, 0)
	if free := words(n["isAccessibleForFree"]); len(d.offers) == 0 && (n["isAccessibleForFree"] == true || strings.EqualFold(free, "true")) {
		d.offers = []offer{{amounts: []amount{{}}}}
	}
	return d
}

// identifier is a text, or the value of a PropertyValue.
func identifier(v any) string {
	v = first(v)
	if n, ok := v.(node); ok {
		return words(n["value"])
	}
	return words(v)
}

// image is the first address of a picture.
func (g *graph) image(v any) string {
	for _, item := range list(v) {
		s, isText := item.(string)
		if n, ok := g.follow(item); ok && !isText {
			if s = words(n["url"]); s == "" {
				s = words(n["contentUrl"])
			}
		}
		if a := address(g.base, s); a != "" {
			return a
		}
	}
	return ""
}

// readPlace reads the first location that one can go to.
func (g *graph) readPlace(n node, d *draft) {
	virtual := false
	for _, item := range list(n["location"]) {
		if s, ok := item.(string); ok && strings.TrimSpace(s) != "" {
			if address(nil, s) != "" {
				virtual = true
				continue
			}
			d.place = place{address: s}
			return
		}
		l, ok := g.follow(item)
		if !ok {
			continue
		}
		if slices.Contains(types(l), "VirtualLocation") {
			virtual = true
			continue
		}
		d.place = g.place(l)
		return
	}
	mode := words(n["eventAttendanceMode"])
	d.online = virtual || strings.HasSuffix(mode, "OnlineEventAttendanceMode")
}

func (g *graph) place(l node) (p place) {
	p = place{name: words(l["name"]), seats: words(l["maximumAttendeeCapacity"]), latitude: words(l["latitude"]), longitude: words(l["longitude"])}
	if id, ok := l["@id"].(string); ok && !strings.HasPrefix(id, "_:") {
		p.id = address(g.base, id)
	}
	switch a := first(l["address"]).(type) {
	case string:
		p.address = a
	case node:
		a, _ = g.follow(a)
		p.street, p.city, p.region, p.country = words(a["streetAddress"]), words(a["addressLocality"]), words(a["addressRegion"]), words(a["addressCountry"])
		if p.city == "" && p.country == "" {
			p.address = words(a["streetAddress"])
		}
	}
	switch geo := first(l["geo"]).(type) {
	case string:
		p.latitude, p.longitude, _ = strings.Cut(geo, ",")
	case node:
		geo, _ = g.follow(geo)
		p.latitude, p.longitude = words(geo["latitude"]), words(geo["longitude"])
	}
	return p
}

func (g *graph) readPerformers(v any, d *draft) {
	for _, item := range list(v) {
		if len(d.performers) > 20*maxActs { // so many that no more are looked at
			return
		}
		if s, ok := item.(string); ok {
			d.performers = append(d.performers, Named{Name: s})
			continue
		}
		n, ok := g.follow(item)
		if !ok {
			continue
		}
		p := Named{Name: words(n["name"])}
		if id, ok := n["@id"].(string); ok && !strings.HasPrefix(id, "_:") {
			p.Key = address(g.base, id)
		}
		d.performers = append(d.performers, p)
	}
}

// readOffers reads Offer and AggregateOffer, whose prices may lie in a priceSpecification.
func (g *graph) readOffers(v any, d *draft, depth int) {
	const mostOffers, deepest = 200, 4
	for _, item := range list(v) {
		n, ok := g.follow(item)
		if !ok || depth > deepest || len(d.offers) >= mostOffers {
			continue
		}
		before := len(d.offers)
		code, err := parseCurrency(words(n["priceCurrency"]))
		for _, name := range []string{"price", "lowPrice", "highPrice", "minPrice", "maxPrice"} {
			for _, p := range list(n[name]) {
				if err == nil {
					err = d.offer(p, code)
				}
			}
		}
		d.wrong = errors.Join(d.wrong, err)
		if len(d.offers) == before {
			g.readOffers(n["priceSpecification"], d, depth+1)
			g.readOffers(n["offers"], d, depth+1)
		}
	}
}

// offer takes one price.
func (d *draft) offer(v any, code string) error {
	if number, ok := v.(json.Number); ok {
		a, ok := parseDecimal(number.String())
		if !ok {
			return fmt.Errorf("price %.40s is %w", number, errAmount)
		}
		d.offers = append(d.offers, offer{[]amount{a}, code})
		return nil
	}
	text := words(v)
	if text == "" {
		return nil
	}
	amounts, named, err := parseAmounts(text)
	if err != nil {
		return err
	}
	if code == "" {
		code = named
	}
	d.offers = append(d.offers, offer{amounts, code})
	return nil
}
