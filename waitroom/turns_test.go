package waitroom

import (
	"testing"
	"time"
)

func TestWhenANumberWasCalled(t *testing.T) {
	t.Parallel()
	began := time.Unix(1_800_000_000, 0)
	at := func(seconds float64) time.Time { return began.Add(time.Duration(seconds * float64(time.Second))) }
	var all turns
	watermark := int64(5) // where it is first seen
	for quarter := range 4000 {
		now := at(float64(quarter) / 4)
		if quarter > 0 && quarter%8 == 0 { // three are called every two seconds
			watermark += 3
		}
		all = all.add(now, now.Add(-250*time.Millisecond), watermark, 5*time.Minute)
	}
	f := func(number int64, want time.Time) {
		t.Helper()
		if got := all.called(number); !got.Equal(want) {
			t.Errorf("number %d was called at %s, want %s", number, got, want)
		}
	}
	f(watermark-1, at(997.75)) // seen at second 998, a moment before it was not
	f(watermark-3, at(997.75))
	f(watermark-4, at(995.75))
	f(watermark-1-3*100, at(797.75))
	f(watermark-1-3*200, time.Time{}) // 400 seconds ago
	f(4, time.Time{})
	if n := len(all.marks); n > 160 {
		t.Errorf("%d moments are remembered of 150", n)
	}
	day := turns{}
	for second := range 100_000 {
		day = day.add(at(float64(second)), at(float64(second-1)), int64(second), 24*time.Hour)
	}
	if n := len(day.marks); n > turnMarks+2 {
		t.Errorf("a day is told apart by %d moments, want at most %d", n, turnMarks)
	}
	if got := day.called(50_000); got.After(at(50_000)) || got.Before(at(50_000-24*3600/turnMarks-2)) {
		t.Errorf("number 50,000 of a line that calls one a second was called at second %v", got.Sub(began).Seconds())
	}
	if got := day.called(99_999); got.After(at(99_999)) || got.Before(at(99_999-24*3600/turnMarks-2)) {
		t.Errorf("the last number was called at second %v", got.Sub(began).Seconds())
	}
}
