package million

import (
	"fmt"
	"math"
	"slices"
	"testing"
)

// visit is what one visitor saw of his joining. Times are nanoseconds since the run began.
type visit struct {
	number    int64
	sent, got int64 // the request, the answer
}

// missing says what is wrong with the numbers that visitors were given: each must be there once, without gaps.
func missing(visits []visit) error {
	numbers := make([]int64, len(visits))
	for i, v := range visits {
		numbers[i] = v.number
	}
	slices.Sort(numbers)
	for i := 1; i < len(numbers); i++ {
		switch {
		case numbers[i] == numbers[i-1]:
			return fmt.Errorf("two visitors have the number %d", numbers[i])
		case numbers[i] != numbers[i-1]+1:
			return fmt.Errorf("nobody has the numbers from %d to %d", numbers[i-1]+1, numbers[i]-1)
		}
	}
	return nil
}

// overtaken counts visitors who asked when somebody with a higher number had his answer already: he who came first has the lower number.
func overtaken(visits []visit) (n int) {
	byNumber := slices.Clone(visits)
	slices.SortFunc(byNumber, func(a, b visit) int { return int(a.number - b.number) })
	earliest := int64(math.MaxInt64) // answer to a higher number
	for _, v := range slices.Backward(byNumber) {
		if v.sent > earliest {
			n++
		}
		earliest = min(earliest, v.got)
	}
	return n
}

// falls counts visitors whose number is lower than that of who came before them on the same connection.
func falls(visits []visit, connections int) (n int) {
	for i := connections; i < len(visits); i++ {
		if visits[i].number < visits[i-connections].number {
			n++
		}
	}
	return n
}

// The checks see what they are for.
func TestWhatIsWrongWithNumbersIsSeen(t *testing.T) {
	t.Parallel()
	good := func() (out []visit) { // of two connections, in turn
		for i := range int64(100) {
			out = append(out, visit{number: 7 + i, sent: 10 * i, got: 10*i + 25})
		}
		return out
	}
	if err := missing(good()); err != nil || overtaken(good()) > 0 || falls(good(), 2) > 0 {
		t.Errorf("of a good run: %v, %d overtaken, %d falls", err, overtaken(good()), falls(good(), 2))
	}
	f := func(name string, plant func([]visit), seen func([]visit) bool) {
		t.Helper()
		v := good()
		plant(v)
		if !seen(v) {
			t.Errorf("%s: not seen", name)
		}
	}
	f("a number twice", func(v []visit) { v[50].number = v[51].number }, func(v []visit) bool { return missing(v) != nil })
	f("a gap", func(v []visit) { v[99].number++ }, func(v []visit) bool { return missing(v) != nil })
	f("overtaken on another connection", func(v []visit) { v[50].number, v[55].number = v[55].number, v[50].number }, func(v []visit) bool { return overtaken(v) > 0 })
	f("overtaken on the same connection", func(v []visit) { v[50].number, v[52].number = v[52].number, v[50].number }, func(v []visit) bool { return falls(v, 2) > 0 })
}
