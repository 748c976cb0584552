package pgtext

import (
	"embed"
	"strings"
)

//go:embed query/*.sql
var queries embed.FS

// query returns the statement in query/name.sql. The files are compiled in, so a wrong name fails every test at once.
func query(name string, replace ...string) string {
	s := strings.NewReplacer("{filter}", strings.TrimSpace(file("filter")), "{stretch}", strings.TrimSpace(file("stretch"))).Replace(file(name))
	return strings.NewReplacer(replace...).Replace(s)
}

// towards are the words of a statement that looks forward in time, or back.
func towards(past bool) []string {
	if past {
		return []string{"{after}", "<", "{until}", ">=", "{desc}", "DESC", "{farthest}", "min"}
	}
	return []string{"{after}", ">", "{until}", "<=", "{desc}", "", "{farthest}", "max"}
}

// way is how events with words are found.
type way int

const (
	walk    way = iota // along the dates
	byWords            // with the index of words
	byWeeks            // with that of words in weeks
)

// inTime returns the statement that finds words in time in one of the ways. The planner must not choose: it walks too readily, for it takes the first 500 of
// 5,000 matches to be a tenth of the work, and it reads all of a word beside its weeks. So the order is one that no index has, and weeks are
// read behind a fence (OFFSET 0); their estimate takes longer than the reading, so it does not see those words (SELECT). How words go together
// with venues or what is for sale is left to it.
func inTime(past bool, w way) string {
	source, time := "(SELECT * FROM event_search WHERE $14::tsquery IS NULL)", "(s.start_time + interval '0')"
	switch w {
	case walk:
		time = "s.start_time"
	case byWeeks:
		source = "(SELECT * FROM event_search e WHERE usher_weekly(e.document, e.start_time) @@ (SELECT $14::tsquery) OFFSET 0)"
	}
	return query("words_in_time", append(towards(past), "{source}", source, "{time}", time)...)
}

func file(name string) string {
	b, err := queries.ReadFile("query/" + name + ".sql")
	if err != nil {
		panic("pgtext: " + err.Error())
	}
	return string(b)
}
