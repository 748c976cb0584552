package searches

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// usage is what processes have used.
type usage struct {
	cpu    time.Duration
	memory int64 // bytes that are theirs, with their share of what several of them use
}

// sessions are those of a database, as Linux counts them, processor time in hundredths of a second; nothing elsewhere.
func sessions(b *testing.B, pool *pgxpool.Pool) (u usage) {
	rows, err := pool.Query(b.Context(), `SELECT pid FROM pg_stat_activity WHERE datname = current_database()`)
	if err != nil {
		b.Fatal(err)
	}
	pids, err := pgx.CollectRows(rows, pgx.RowTo[int])
	if err != nil {
		b.Fatal(err)
	}
	for _, pid := range pids {
		stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		_, after, _ := strings.Cut(string(stat), ") ")
		if f := strings.Fields(after); len(f) > 12 {
			user, _ := strconv.Atoi(f[11])
			system, _ := strconv.Atoi(f[12])
			u.cpu += time.Duration(user+system) * 10 * time.Millisecond
		}
		u.memory += kilobytes(fmt.Sprintf("/proc/%d/smaps_rollup", pid), "Pss:") << 10
	}
	return u
}

// kilobytes is a line of a file of /proc; 0 where it cannot be read.
func kilobytes(file, line string) int64 {
	text, _ := os.ReadFile(file)
	_, after, _ := strings.Cut(string(text), "\n"+line)
	if f := strings.Fields(after); len(f) > 0 {
		n, _ := strconv.ParseInt(f[0], 10, 64)
		return n
	}
	return 0
}

// node is a node of Elasticsearch, asked by its plain HTTP.
type node struct {
	b          *testing.B
	url, index string
}

func (n *node) ask(path string, into any) {
	answer, err := http.Get(n.url + path)
	if err == nil {
		defer func() { _ = answer.Body.Close() }()
		err = json.NewDecoder(answer.Body).Decode(into)
	}
	if err != nil {
		n.b.Fatal(path, err)
	}
}

// stats are of the one node.
type stats struct {
	Nodes map[string]struct {
		Process struct {
			CPU struct {
				Millis int64 `json:"total_in_millis"`
			} `json:"cpu"`
		} `json:"process"`
		JVM struct {
			Mem struct {
				Used int64 `json:"heap_used_in_bytes"`
				Max  int64 `json:"heap_max_in_bytes"`
			} `json:"mem"`
		} `json:"jvm"`
	} `json:"nodes"`
}

func (n *node) spent() time.Duration {
	var s stats
	n.ask("/_nodes/_local/stats/process", &s)
	for _, one := range s.Nodes {
		return time.Duration(one.Process.CPU.Millis) * time.Millisecond
	}
	return 0
}

// size tells how much room the index takes, and the node.
func (n *node) size() string {
	var s stats
	n.ask("/_nodes/_local/stats/jvm", &s)
	var info struct {
		Nodes map[string]struct {
			Process struct {
				ID int `json:"id"`
			} `json:"process"`
		} `json:"nodes"`
	}
	n.ask("/_nodes/_local/process", &info)
	var on struct {
		All struct {
			Primaries struct {
				Docs struct {
					Count int `json:"count"`
				} `json:"docs"`
				Store struct {
					Size int64 `json:"size_in_bytes"`
				} `json:"store"`
				Segments struct {
					Count int `json:"count"`
				} `json:"segments"`
			} `json:"primaries"`
		} `json:"_all"`
	}
	n.ask("/"+n.index+"-*/_stats/docs,store,segments", &on)
	p := on.All.Primaries
	text := fmt.Sprintf("%d documents, %d MB, %d segments", p.Docs.Count, p.Store.Size>>20, p.Segments.Count)
	for id, one := range s.Nodes {
		text += fmt.Sprintf("; heap %d of %d MB, the whole process %d MB", one.JVM.Mem.Used>>20, one.JVM.Mem.Max>>20,
			kilobytes(fmt.Sprintf("/proc/%d/status", info.Nodes[id].Process.ID), "VmRSS:")>>10)
	}
	return text
}
