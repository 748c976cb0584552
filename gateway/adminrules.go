package gateway

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"

	"usher/internal/id"
	"usher/internal/problem"
	"usher/waitroom"
)

const (
	typeMerge    = "application/merge-patch+json" // RFC 7396
	tagPrefix    = `"room-`
	maxTags      = 20        // of an If-Match
	maxMessage   = 2000      // bytes; the waiting room wants less
	fingerprint  = 8         // hexadecimal digits: enough to tell tokens apart, too few to find one out
	tokenPurpose = "who\x00" // what else is made of the token has another
)

// measured are the members of a room that nobody sets. A PUT may send them back as a GET has told them; they change nothing.
var measured = []string{"run", "active", "waiting", "watermark", "updated_at", "pre_queue_opens_at"}

// ruleMembers are the members of a room that operators set.
var ruleMembers = []string{
	"name", "method", "event_ids", "capacity", "calls_per_minute", "min_calls_per_minute", "session_seconds", "renewable", "session_cap_seconds",
	"grace_seconds", "poll_floor_seconds", "poll_cap_seconds", "opens_at", "message", "paths", "activate_above", "bypass",
}

// roomTag is the ETag of a room's rules and state; what is measured changes without it.
func roomTag(r waitroom.Room) string { return tagPrefix + strconv.FormatInt(r.Version, 10) + `"` }

// match reads which version of a room the request is for: If-Match, and If-None-Match where it says that there must be none. Comparison is
// strong, as RFC 9110 wants it: a weak tag fits nothing.
func (c *call) match() (m waitroom.Match, err error) {
	if none := strings.TrimSpace(c.header("If-None-Match")); none == "*" {
		m.New = true
	} else if none != "" {
		return m, problem.Invalid(problem.Field{Field: "If-None-Match", Message: "want * or nothing"})
	}
	tags := c.header("If-Match")
	if strings.TrimSpace(tags) == "" {
		return m, nil
	}
	if m.Exists = true; strings.TrimSpace(tags) == "*" {
		return m, nil
	}
	for i, tag := range strings.SplitN(tags, ",", maxTags+1) {
		number, ours := strings.CutPrefix(strings.TrimSpace(tag), tagPrefix)
		version, err := strconv.ParseInt(strings.TrimSuffix(number, `"`), 10, 64)
		if i == maxTags || !ours || !strings.HasSuffix(number, `"`) || err != nil {
			version = -1 // of no room
		}
		m.Versions = append(m.Versions, version)
	}
	return m, nil
}

// by says who sends the request.
func (s *Server) by(c *call) waitroom.By {
	sum := sha256.Sum256([]byte(tokenPurpose + s.AdminToken))
	return waitroom.By{Who: "token-" + hex.EncodeToString(sum[:])[:fingerprint], Request: requestID(c.out), Address: s.address(c).String()}
}

// adminPut gives a room the rules of the body, and the default where that has none.
func (s *Server) adminPut(c *call) error {
	name := c.params[0]
	body, err := c.object(append(append([]string{"room", "state"}, measured...), ruleMembers...)...)
	if err != nil {
		return err
	}
	if room := body.text("room", maxText); body.has("room") && room != name {
		body.fault("room", "not the room of the path")
	}
	for _, needed := range []string{"method", "capacity", "calls_per_minute"} {
		if !body.has(needed) {
			body.fault(needed, "is needed")
		}
	}
	state := body.text("state", maxText)
	edits := readRules(body, name)
	if !body.has("session_cap_seconds") || body.null("session_cap_seconds") {
		edits.of = append(edits.of, func(r *waitroom.Room, _ waitroom.Rules) { r.SessionCap = waitroom.DefaultCap(r.Session) })
	}
	m, err := c.match()
	if err := firstOf(body.err(), err); err != nil {
		return err
	}
	room, made, err := s.Office.Put(c.context(), s.by(c), name, m, func(r *waitroom.Room) error {
		err := edits.apply(r, waitroom.DefaultRules(name))
		if state != "" && waitroom.State(state) != r.State {
			return &waitroom.RulesError{Faults: append(edits.faults, waitroom.Fault{Room: name, Member: "state", Message: stateIsOrdered})}
		}
		return err
	})
	if err != nil {
		return err
	}
	status := 200
	if made {
		status = 201
		c.set("Location", "/admin/v1/rooms/"+name)
	}
	return c.answerRoom(status, room)
}

const stateIsOrdered = "not set by rules: POST …/open, pause, resume, drain or end"

// adminPatch changes the rules that the body names (RFC 7396): null is the default.
func (s *Server) adminPatch(c *call) error {
	name := c.params[0]
	body, err := c.objectOf([]string{typeMerge, "application/json"}, append([]string{"state"}, ruleMembers...)...)
	if err != nil {
		return err
	}
	if body.has("state") {
		body.fault("state", stateIsOrdered)
	}
	edits := readRules(body, name)
	m, err := c.match()
	if err := firstOf(body.err(), err); err != nil {
		return err
	}
	room, err := s.Office.Patch(c.context(), s.by(c), name, m, func(r *waitroom.Room) error {
		return edits.apply(r, waitroom.DefaultRules(name))
	})
	if err != nil {
		return err
	}
	return c.answerRoom(200, room)
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// answerRoom shows a room to its operator.
func (c *call) answerRoom(status int, r waitroom.Room) error {
	c.set("ETag", roomTag(r))
	return c.answer(status, adminRoomOf(r))
}

// edits are what a body says of a room's rules.
type edits struct {
	*members
	of     []func(r *waitroom.Room, defaults waitroom.Rules)
	faults []waitroom.Fault
}

// apply changes a room so. waitroom.RulesError.
func (e *edits) apply(r *waitroom.Room, defaults waitroom.Rules) error {
	for _, edit := range e.of {
		edit(r, defaults)
	}
	if len(e.faults) > 0 {
		return &waitroom.RulesError{Faults: e.faults}
	}
	return nil
}

// rule reads one member. null is the default.
func rule[T any](e *edits, name string, at func(*waitroom.Rules) *T, read func(name string) T) {
	if e.null(name) {
		e.of = append(e.of, func(r *waitroom.Room, defaults waitroom.Rules) { *at(&r.Rules) = *at(&defaults) })
	} else if e.has(name) {
		value := read(name)
		e.of = append(e.of, func(r *waitroom.Room, _ waitroom.Rules) { *at(&r.Rules) = value })
	}
}

// readRules reads the members of a room that operators set. Whether their values make a room, the waiting room says.
func readRules(m *members, room string) *edits {
	e := &edits{members: m}
	text := func(name string) string { return m.text(name, maxMessage) }
	whole := func(name string) int { return m.integer(name, math.MinInt32, math.MaxInt32, 0) }
	length := func(name string) time.Duration { return time.Duration(m.number(name) * float64(time.Second)) }
	span := func(name string, at func(*waitroom.Rules) *time.Duration) { // 0 is the default, as in a rooms file
		if m.is(name, "0") {
			m.raw[name] = json.RawMessage("null")
		}
		rule(e, name, at, length)
	}
	rule(e, "name", func(r *waitroom.Rules) *string { return &r.Name }, text)
	rule(e, "message", func(r *waitroom.Rules) *string { return &r.Message }, text)
	rule(e, "method", func(r *waitroom.Rules) *waitroom.Method { return &r.Method }, func(name string) waitroom.Method { return waitroom.Method(text(name)) })
	rule(e, "capacity", func(r *waitroom.Rules) *int { return &r.Capacity }, whole)
	rule(e, "calls_per_minute", func(r *waitroom.Rules) *float64 { return &r.CallsPerMinute }, m.number)
	rule(e, "min_calls_per_minute", func(r *waitroom.Rules) *float64 { return &r.MinCallsPerMinute }, m.number)
	rule(e, "renewable", func(r *waitroom.Rules) *bool { return &r.Renewable }, m.boolean)
	span("session_seconds", func(r *waitroom.Rules) *time.Duration { return &r.Session })
	span("session_cap_seconds", func(r *waitroom.Rules) *time.Duration { return &r.SessionCap })
	span("grace_seconds", func(r *waitroom.Rules) *time.Duration { return &r.Grace })
	span("poll_floor_seconds", func(r *waitroom.Rules) *time.Duration { return &r.PollFloor })
	span("poll_cap_seconds", func(r *waitroom.Rules) *time.Duration { return &r.PollCap })
	rule(e, "opens_at", func(r *waitroom.Rules) *time.Time { return &r.OpensAt }, m.time)
	if events := m.events("event_ids"); m.has("event_ids") {
		e.of = append(e.of, func(r *waitroom.Room, _ waitroom.Rules) { r.SetEvents(events) })
	}
	// What the contract has and no room can do yet is taken as nothing, and else refused: a rule that is kept and not obeyed is a lie.
	for name, nothing := range map[string]string{"paths": "[]", "activate_above": "null", "bypass": "{}"} {
		if m.has(name) && !m.null(name) && !m.is(name, nothing) {
			e.faults = append(e.faults, waitroom.Fault{Room: room, Member: name, Message: "not offered yet; want " + nothing})
		}
	}
	return e
}

// null reports whether a member is there and null.
func (m *members) null(name string) bool { return string(m.raw[name]) == "null" }

// is reports whether a member is that, whatever spaces are in it.
func (m *members) is(name, want string) bool {
	var b bytes.Buffer
	return json.Compact(&b, m.raw[name]) == nil && b.String() == want
}

// number reads a number from 0 to a billion.
func (m *members) number(name string) (n float64) {
	if err := json.Unmarshal(m.raw[name], &n); err != nil || n < 0 || n > 1e9 {
		m.fault(name, "want a number from 0 to 1000000000")
		return 0
	}
	return n
}

// time reads a time.
func (m *members) time(name string) time.Time {
	at, err := time.Parse(time.RFC3339, m.text(name, maxText))
	if err != nil || at.Year() < 2000 || at.Year() > 9999 {
		m.fault(name, "want a time such as 2026-06-11T19:30:00Z")
	}
	return at.UTC()
}

// events reads ids of events; none when it is not there or null.
func (m *members) events(name string) (events []id.Event) {
	if !m.has(name) || m.null(name) {
		return nil
	}
	for i, text := range m.texts(name) {
		e, err := id.ParseEvent(text)
		if err != nil {
			m.fault(name+"["+strconv.Itoa(i)+"]", "not an id of an event")
		}
		events = append(events, e)
	}
	return events
}

// adminAudit shows a page of the audit log, the newest line first.
func (s *Server) adminAudit(c *call) error {
	entries, next, err := s.Office.Audit(c.context(), string(c.http.QueryArgs().Peek("page_cursor")))
	if err != nil {
		return err
	}
	body := struct {
		Entries []auditJSON `json:"entries"`
		Next    *string     `json:"next_page_cursor"`
	}{[]auditJSON{}, text(next)}
	for _, e := range entries {
		body.Entries = append(body.Entries, auditJSON{
			e.ID, clock(e.At), e.Who, e.Action, e.Room, orNull(e.Before), orNull(e.After), text(e.Request), text(e.Address),
		})
	}
	return c.answer(200, body)
}

// auditJSON is one line of the log: who has done what to which room, and how that was before and after.
type auditJSON struct {
	ID        int64           `json:"id"`
	At        time.Time       `json:"at"`
	Who       string          `json:"who"`
	Action    string          `json:"action"`
	Room      string          `json:"room"`
	Before    json.RawMessage `json:"before"`
	After     json.RawMessage `json:"after"`
	RequestID *string         `json:"request_id"`
	Address   *string         `json:"address"`
}

func orNull(b json.RawMessage) json.RawMessage {
	if len(b) == 0 {
		return json.RawMessage("null")
	}
	return b
}
