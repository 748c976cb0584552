package id

import "testing"

func TestVenuesAndPerformersHaveOneSpelling(t *testing.T) {
	t.Parallel()
	if v, err := ParseVenue(Venue(42).String()); err != nil || v != 42 {
		t.Errorf("venue 42 came back as %d, %v", v, err)
	}
	if p, err := ParsePerformer(Performer(7).String()); err != nil || p != 7 {
		t.Errorf("performer 7 came back as %d, %v", p, err)
	}
	for _, s := range []string{"", "ven-", "ven-0", "ven-07", "ven-+7", "ven--7", "per-7", "Ven-7", "ven-7 ", "ven-1234567890123456789", "ven-7a"} {
		if v, err := ParseVenue(s); err == nil {
			t.Errorf("ParseVenue(%q) = %d, want an error", s, v)
		}
	}
}
