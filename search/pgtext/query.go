package pgtext

import (
	"embed"
	"strings"
)

//go:embed query/*.sql
var queries embed.FS

// query returns the statement in query/name.sql. The files are compiled in, so a wrong name fails every test at once.
func query(name string, replace ...string) string {
	s := strings.ReplaceAll(file(name), "{filter}", strings.TrimSpace(file("filter")))
	return strings.NewReplacer(append(replace, "{match}", "s.document @@ $2")...).Replace(s)
}

// towards are the words of a statement that looks forward in time, or back.
func towards(past bool) []string {
	if past {
		return []string{"{after}", "<", "{until}", ">=", "{desc}", "DESC"}
	}
	return []string{"{after}", ">", "{until}", "<=", "{desc}", ""}
}

// way is how events with words are found.
type way int

const (
	walk    way = iota // along the dates
	byWords            // with the index of words
	byWeeks            // with that of words in weeks
	byOther            // with the index of venues, categories or what is for sale
)

// inTime returns the statement that finds words in time in one of the ways. The planner must not choose: it walks too readily, for it takes the first 500 of
// 5,000 matches to be a tenth of the work, and it reads all of a word beside its weeks. So the order is one that no index has, what is walked through is compared in words that no index answers, and words and weeks are
// read behind a fence (OFFSET 0), or all events of hundreds of venues would be read beside them; to estimate the weeks takes
// longer than to read them, so it does not see those words (SELECT). Words that lead to events are $14; whether an event has all of them is seen in the event. What facets count is read along if it is asked for.
func inTime(past bool, w way, facts bool) string {
	source, time, match := "(SELECT * FROM event_search WHERE $14::tsquery IS NULL)", "(s.start_time + interval '0')", "(s.document @@ $2) IS TRUE"
	switch w {
	case walk:
		time = "s.start_time"
	case byWords:
		source = "(SELECT * FROM event_search WHERE document @@ $14::tsquery OFFSET 0)"
	case byWeeks:
		source = "(SELECT * FROM event_search e WHERE usher_weekly(e.document, e.start_time) @@ (SELECT $14::tsquery) OFFSET 0)"
	}
	columns := ""
	if facts {
		columns = ", venue_id, category, local_date, price_from, price_to, for_sale"
	}
	return query("words_in_time", append(towards(past), "{source}", source, "{time}", time, "{match}", match, "{facts}", columns)...)
}

func file(name string) string {
	b, err := queries.ReadFile("query/" + name + ".sql")
	if err != nil {
		panic("pgtext: " + err.Error())
	}
	return string(b)
}
