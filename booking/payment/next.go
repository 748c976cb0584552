package payment

// deed is one thing a cashier can do about an attempt that has not ended.
type deed int

const (
	doAuthorise deed = iota
	doCapture
	doVoid
	doRecord // what the provider said
	doAwait  // the payer
)

// next decides what to do, given what the provider said last: the heart of the cashier, pure. overdue says that the attempt
// is older than anybody should be charged for.
func next(a Attempt, said State, overdue bool) deed {
	switch said {
	case None, ActionRequired, Authorised:
	default:
		return doRecord
	}
	if !a.Paying || overdue {
		return doVoid
	}
	switch {
	case said == ActionRequired:
		return doAwait
	case said == None:
		return doAuthorise
	case a.Status == StatusAuthorised:
		return doCapture
	default:
		return doRecord // that it is authorised, before anything is captured
	}
}

// recorded is the status and the reason that a provider's answer gives an attempt.
func recorded(a Attempt, said Answer) (Status, string) {
	switch said.State {
	case Authorised:
		return StatusAuthorised, ""
	case Captured:
		return StatusCaptured, ""
	case Declined:
		return StatusDeclined, said.Reason
	case Failed:
		return StatusFailed, said.Reason
	case Voided:
		if a.Paying { // and the log must learn that nothing comes of it
			return StatusFailed, ReasonTimedOut
		}
	}
	return StatusVoided, ReasonNotPaying
}

// The reasons that the cashier itself gives. Others are the provider's.
const (
	ReasonTimedOut      = "timed_out"      // not done within the cashier's patience
	ReasonNotPaying     = "not_paying"     // the booking does not wait for this attempt
	ReasonUnknownMethod = "unknown_method" // no such provider
	ReasonRefused       = "refused"        // captured, but the log refused the booking: refunded
)
