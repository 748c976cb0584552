package layout

import (
	"encoding/json"
	"testing"
)

func hall(t *testing.T) *Layout {
	t.Helper()
	l, err := New([]Section{
		{Name: "Stalls", Level: "A", Rows: []Row{{Name: "1", Seats: 3}, {Name: "2", Seats: 2, Accessible: true}}},
		{Name: "Balcony", Level: "B", Rows: []Row{{Name: "1", Seats: 4}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestSeatsStandInOrder(t *testing.T) {
	t.Parallel()
	l := hall(t)
	want := []string{
		"Stalls-1-1", "Stalls-1-2", "Stalls-1-3", "Stalls-2-1", "Stalls-2-2",
		"Balcony-1-1", "Balcony-1-2", "Balcony-1-3", "Balcony-1-4",
	}
	if l.Capacity() != len(want) {
		t.Fatalf("capacity %d, want %d", l.Capacity(), len(want))
	}
	for i, number := range want {
		if got := l.Seat(i); got.Number != number || got.Accessible != (i == 3 || i == 4) {
			t.Errorf("seat %d is %+v, want %s", i, got, number)
		}
	}
	if from, to := l.RowOf(4); from != 3 || to != 5 {
		t.Errorf("RowOf(4) = %d, %d; want 3, 5", from, to)
	}
}

func TestPlanPricesByLevel(t *testing.T) {
	t.Parallel()
	p := Plan{Layout: hall(t), Prices: map[string]int{"A": 9000, "B": 4000}}
	if err := p.Check(); err != nil {
		t.Fatal(err)
	}
	if p.Price(4) != 9000 || p.Price(5) != 4000 {
		t.Errorf("prices %d, %d; want 9000, 4000", p.Price(4), p.Price(5))
	}
	delete(p.Prices, "B")
	if p.Check() == nil {
		t.Error("a level without a price passed")
	}
}

func TestLayoutComesBackFromJSON(t *testing.T) {
	t.Parallel()
	spec, err := json.Marshal(hall(t))
	if err != nil {
		t.Fatal(err)
	}
	l, err := Parse(spec)
	if err != nil || l.Seat(8).Number != "Balcony-1-4" {
		t.Errorf("Parse(%s): %v", spec, err)
	}
}

func TestBadLayoutsAreRefused(t *testing.T) {
	t.Parallel()
	f := func(why, spec string) {
		t.Helper()
		if _, err := Parse([]byte(spec)); err == nil {
			t.Errorf("%s: accepted", why)
		}
	}
	f("not JSON", `[`)
	f("no seats", `[]`)
	f("two sections of one name", `[{"name":"A","level":"x","rows":[{"name":"1","seats":1}]},{"name":"A","level":"x","rows":[{"name":"1","seats":1}]}]`)
	f("two rows of one name", `[{"name":"A","level":"x","rows":[{"name":"1","seats":1},{"name":"1","seats":1}]}]`)
	f("a row without seats", `[{"name":"A","level":"x","rows":[{"name":"1","seats":0}]}]`)
	f("a nameless level", `[{"name":"A","level":"","rows":[{"name":"1","seats":1}]}]`)
	f("a control character", `[{"name":"A\n","level":"x","rows":[{"name":"1","seats":1}]}]`)
}
