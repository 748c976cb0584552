package indextest

import "testing"

func TestMemory(t *testing.T) {
	t.Parallel()
	Run(t, func(testing.TB) Indexed { return &Memory{} })
}

// Without versions another order makes another index: the suite would see it.
func TestWithoutVersionsTheOrderDecides(t *testing.T) {
	t.Parallel()
	x := &Memory{LastPutWins: true}
	got := NewIndex(t, x, Sample(1, 2))
	Put(t, x, got, Sample(1, 1))
	if Same(t, Contents(t, x, got), Contents(t, x, NewIndex(t, x, Sample(1, 2)))) {
		t.Error("the control has the same index")
	}
}
