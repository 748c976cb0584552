package payment

import (
	"testing"
	"time"
)

func TestNext(t *testing.T) {
	t.Parallel()
	f := func(status Status, said State, paying, overdue bool, want deed) {
		t.Helper()
		if got := next(Attempt{Status: status, Paying: paying}, said, overdue); got != want {
			t.Errorf("next(%s, %s, paying %v, overdue %v) = %d, want %d", status, said, paying, overdue, got, want)
		}
	}
	f(StatusCreated, None, true, false, doAuthorise)
	f(StatusCreated, ActionRequired, true, false, doAwait)
	f(StatusCreated, Authorised, true, false, doRecord)
	f(StatusAuthorised, Authorised, true, false, doCapture)
	f(StatusAuthorised, None, true, false, doAuthorise) // a provider that has lost its memory
	for _, status := range []Status{StatusCreated, StatusAuthorised} {
		for _, said := range []State{None, ActionRequired, Authorised} {
			f(status, said, false, false, doVoid)
			f(status, said, true, true, doVoid)
			f(status, said, false, true, doVoid)
		}
		for _, said := range []State{Captured, Declined, Failed, Voided, Refunded} { // final: whatever we would like
			for _, paying := range []bool{false, true} {
				f(status, said, paying, false, doRecord)
				f(status, said, paying, true, doRecord)
			}
		}
	}
}

func TestRecorded(t *testing.T) {
	t.Parallel()
	f := func(said Answer, paying bool, status Status, reason string) {
		t.Helper()
		if s, r := recorded(Attempt{Paying: paying}, said); s != status || r != reason {
			t.Errorf("recorded(%+v, paying %v) = %s, %q; want %s, %q", said, paying, s, r, status, reason)
		}
	}
	f(Answer{State: Authorised}, true, StatusAuthorised, "")
	f(Answer{State: Captured}, true, StatusCaptured, "")
	f(Answer{State: Captured}, false, StatusCaptured, "") // the log will refuse it, then it is refunded
	f(Answer{State: Declined, Reason: "no"}, true, StatusDeclined, "no")
	f(Answer{State: Failed, Reason: "oh"}, true, StatusFailed, "oh")
	f(Answer{State: Voided}, true, StatusFailed, ReasonTimedOut)
	f(Answer{State: Voided}, false, StatusVoided, ReasonNotPaying)
	f(Answer{State: Refunded}, false, StatusVoided, ReasonNotPaying)
}

func TestRetry(t *testing.T) {
	t.Parallel()
	f := func(tries int, least, most time.Duration) {
		t.Helper()
		for range 100 {
			if got := retry(tries); got < least || got >= most {
				t.Errorf("retry(%d) = %v, want %v to %v", tries, got, least, most)
			}
		}
	}
	f(1, 50*time.Millisecond, 100*time.Millisecond)
	f(2, 100*time.Millisecond, 200*time.Millisecond)
	f(5, 800*time.Millisecond, 1600*time.Millisecond)
	f(8, 5*time.Second, 10*time.Second)
	f(1_000_000, 5*time.Second, 10*time.Second)
}

func TestAPayerIsAskedAboutLessAndLessOften(t *testing.T) {
	t.Parallel()
	for tries, want := range map[int]time.Duration{1: time.Second, 2: 2 * time.Second, 4: 8 * time.Second, 5: 10 * time.Second, 1 << 40: 10 * time.Second} {
		if got := await(tries); got != want {
			t.Errorf("after %d tries: %v, want %v", tries, got, want)
		}
	}
}
