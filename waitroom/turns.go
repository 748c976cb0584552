package waitroom

import (
	"slices"
	"sort"
	"time"
)

// turnMarks is how many moments a span of turns is told apart by, at most.
const turnMarks = 1024

// turns remembers when numbers were called. It is a value: add returns a newer one, and the older one may still be read.
type turns struct {
	marks []mark    // by time and by number; whoever was called below the first was called at an unknown time
	since time.Time // no later than the calls that no mark tells of yet; zero: there are none
}

// mark says that the numbers from the mark before it to below this one were called, at that time or a moment later.
type mark struct {
	at    time.Time
	below int64
}

// add notes that the line was seen at its watermark now, and the last time before. What is older than span is forgotten.
func (t turns) add(now, before time.Time, watermark int64, span time.Duration) turns {
	if len(t.marks) == 0 {
		return turns{marks: []mark{{now, watermark}}}
	}
	if watermark > t.marks[len(t.marks)-1].below {
		if t.since.IsZero() {
			t.since = before
		}
		if now.Sub(t.since) >= span/turnMarks {
			t.marks, t.since = append(t.marks, mark{t.since, watermark}), time.Time{}
		}
	}
	old := 0
	for old+1 < len(t.marks) && now.Sub(t.marks[old+1].at) > span {
		old++
	}
	if t.marks = t.marks[old:]; old > turnMarks { // a span that was shortened leaves no long tail in memory
		t.marks = slices.Clone(t.marks)
	}
	return t
}

// called is when a number below the watermark was called, at the earliest; zero when nobody remembers.
func (t turns) called(number int64) time.Time {
	i := sort.Search(len(t.marks), func(i int) bool { return t.marks[i].below > number })
	switch i {
	case 0:
		return time.Time{}
	case len(t.marks):
		return t.since
	}
	return t.marks[i].at
}
