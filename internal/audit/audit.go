// Package audit holds the words of an audit: which promises there are, and what was found of each. The booking core and the waiting room have rules of their own.
package audit

import "time"

// Rule is one promise that can be seen to be broken.
type Rule struct {
	Name string `json:"rule"` // of its query, and in metrics
	Says string `json:"says"` // what is true
	Why  string `json:"why"`  // what a difference means, and what to do
	Late bool   `json:"late"` // a difference is a delay or a task for a human, and breaks no promise by itself
}

// Finding is what was found of one rule.
type Finding struct {
	Rule
	Total int      `json:"differences"` // 0: the rule holds
	Rows  []string `json:"examples"`    // the first of them
}

// Examples is how many differences of a rule a finding shows; it counts all.
const Examples = 20

// Report is what an audit found of every rule, also of those that hold.
type Report struct {
	At       time.Time `json:"at"` // of the snapshot
	Findings []Finding `json:"findings"`
	Payments int       `json:"payments"` // that were compared with the provider's books
	Commands int       `json:"commands"` // of the log whose results were looked for
}

// Count is how many rules are broken, and of how many something is late.
func (r Report) Count() (broken, late int) {
	for _, f := range r.Findings {
		if f.Total > 0 && f.Late {
			late++
		} else if f.Total > 0 {
			broken++
		}
	}
	return broken, late
}
