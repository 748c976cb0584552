package pgtext

import (
	"embed"
	"strings"
)

//go:embed query/*.sql
var queries embed.FS

// query returns the statement in query/name.sql, which looks forward in time. The files are compiled in, so a wrong name fails every test at once.
func query(name string) string { return queryTowards(name, false, true) }

// queryTowards returns the statement in query/name.sql, looking back in time if past. Unless it should walk along the dates, it orders by a time
// that no index has, because the planner walks too readily: it takes the first 1,000 of 5,000 matches to be a fifth of the work.
func queryTowards(name string, past, walk bool) string {
	towards := []string{"{after}", ">", "{until}", "<=", "{desc}", "", "{nearest}", "min", "{farthest}", "max"}
	if past {
		towards = []string{"{after}", "<", "{until}", ">=", "{desc}", "DESC", "{nearest}", "max", "{farthest}", "min"}
	}
	time := "s.start_time"
	if !walk {
		time = "(s.start_time + interval '0')"
	}
	return strings.NewReplacer(append(towards, "{filter}", strings.TrimSpace(file("filter")), "{time}", time)...).Replace(file(name))
}

func file(name string) string {
	b, err := queries.ReadFile("query/" + name + ".sql")
	if err != nil {
		panic("pgtext: " + err.Error())
	}
	return string(b)
}
