package layout

import "testing"

func TestGeneratedLayoutsHaveExactlyTheirSeats(t *testing.T) {
	t.Parallel()
	for _, capacity := range []int{1, 2, 3, 19, 60, 299, 500, 501, 2000, 5000, 5001, 45000, 53500, 82500, 94000, 1 << 20} {
		l, err := Generate(capacity)
		if err != nil {
			t.Fatalf("%d seats: %v", capacity, err)
		}
		if l.Capacity() != capacity {
			t.Errorf("asked for %d seats, got %d", capacity, l.Capacity())
		}
		level := ""
		for _, s := range l.Sections() {
			if s.Level < level {
				t.Fatalf("%d seats: section %s of level %s comes after level %s", capacity, s.Name, s.Level, level)
			}
			level = s.Level
		}
	}
	for _, capacity := range []int{-1, 0, 1<<20 + 1} {
		if _, err := Generate(capacity); err == nil {
			t.Errorf("%d seats were accepted", capacity)
		}
	}
}

func TestSeatNumbersOfAStadiumAreDistinct(t *testing.T) {
	t.Parallel()
	l, err := Generate(94000)
	if err != nil {
		t.Fatal(err)
	}
	seen := make(map[string]bool, l.Capacity())
	for i := range l.Capacity() {
		if n := l.Seat(i).Number; seen[n] || len(n) > 12 {
			t.Fatalf("seat %d: number %q stands twice or is long", i, n)
		} else {
			seen[n] = true
		}
	}
}

func TestRowNames(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{0: "A", 25: "Z", 26: "AA", 51: "AZ", 52: "BA", 701: "ZZ", 702: "AAA"} {
		if got := rowName(n); got != want {
			t.Errorf("row %d is %s, want %s", n, got, want)
		}
	}
}
