package stream

import (
	"testing"

	"usher/internal/id"
)

// These vectors are in production data: a change breaks "one event, one writer".
func TestAnEventKeepsItsPartitionForEver(t *testing.T) {
	t.Parallel()
	f := func(month, sequence int, text string, want int) {
		t.Helper()
		e, err := id.NewEvent(month, sequence)
		if err != nil {
			t.Fatal(err)
		}
		if e.String() != text {
			t.Errorf("event %d/%d is %s, want %s", month, sequence, e, text)
		}
		if got := Partition(e.String(), 12); got != want {
			t.Errorf("Partition(%s, 12) = %d, want %d", e, got, want)
		}
	}
	f(0, 1, "00000001", 10)
	f(318, 41, "17r00019", 9)
	f(322, 0, "18800000", 4)
	f(322, 1, "18800001", 3)
	f(322, 2, "18800002", 2)
	f(322, 299999, "188094yz", 6)
	f(323, 7, "18c00007", 10)
	f(330, 12345, "19800c1s", 6)
	f(4095, 134217727, "fzzzzzzz", 5)
}

func TestPartitionsFillEvenly(t *testing.T) {
	t.Parallel()
	count := map[int]int{}
	for sequence := range 12_000 {
		e, err := id.NewEvent(322, sequence)
		if err != nil {
			t.Fatal(err)
		}
		count[Partition(e.String(), 12)]++
	}
	for p := range 12 {
		if count[p] < 800 || count[p] > 1200 {
			t.Errorf("partition %d has %d of 12,000 events", p, count[p])
		}
	}
}
