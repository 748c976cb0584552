package pgledger

import (
	"strings"
	"testing"
)

// TestAnAuditOfTheLineFindsWhatIsBroken: a room for two, in which two were inside at a time, breaks no rule; each way of breaking it is found, and by no other rule.
func TestAnAuditOfTheLineFindsWhatIsBroken(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ sql, rule, tells string }{
		"nothing": {},
		"an entry into a full room": {`INSERT INTO admissions VALUES ('final', 'first', 9, gen_random_uuid(), 'z', now() - interval '5 minutes', now() + interval '5 minutes')`,
			"over_capacity", "there were 3 inside, its capacity is 2"},
		"a capacity that was lowered later": {`UPDATE rooms SET rules = jsonb_set(rules, '{Capacity}', '1'), updated_at = now()`, "", ""},
		"a number that nobody reserved":     {`UPDATE admissions SET number = 5000 WHERE number = 3`, "beyond_block", "number 5000 is inside, numbers below 1000 were reserved"},
		"a visitor who is inside twice":     {`UPDATE admissions SET visitor = (SELECT visitor FROM admissions WHERE number = 2)`, "one_session", "numbers 2, 3"},
		"a room without a limit":            {`UPDATE rooms SET rules = jsonb_set(jsonb_set(rules, '{Capacity}', '1'), '{Method}', '"passthrough"'), updated_at = now() - interval '1 day'`, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := open(t)
			exec(t, l, `INSERT INTO rooms (room, rules, state, run, updated_at) VALUES ('final', '{"Capacity": 2, "Method": "fifo"}', 'open', 'first', now() - interval '1 hour')`)
			exec(t, l, `INSERT INTO line_runs (room, run, incarnation, block_end) VALUES ('final', 'first', 1, 1000)`)
			// one who left, one whose time is over, and two who are inside
			exec(t, l, `INSERT INTO admissions (room, run, number, visitor, jti, entered_at, expires_at, ended_at)
				SELECT 'final', 'first', n, gen_random_uuid(), n, now() - make_interval(mins => begun), now() - make_interval(mins => over), now() - make_interval(mins => gone)
				FROM (VALUES (0, 50, -10, 30), (1, 50, 40, NULL), (2, 20, -10, NULL), (3, 20, -10, NULL)) AS v (n, begun, over, gone)`)
			if c.sql != "" {
				exec(t, l, c.sql)
			}
			found, err := l.Audit(t.Context())
			if err != nil || len(found) != len(rules) {
				t.Fatalf("%d rules, %v", len(found), err)
			}
			for _, f := range found {
				if f.Name != c.rule && f.Total > 0 {
					t.Errorf("rule %s: %q", f.Name, f.Rows)
				}
				if f.Name == c.rule && (f.Total != 1 || !strings.Contains(f.Rows[0], c.tells)) {
					t.Errorf("rule %s: %d, %q, want one that tells %q", f.Name, f.Total, f.Rows, c.tells)
				}
			}
		})
	}
}
