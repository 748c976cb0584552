package gateway

import (
	"slices"
	"strings"
	"testing"

	"usher/gateway/lang"
	"usher/internal/problem"
)

// unworded are the problems that no page tells, and why. A person who meets one all the same, by a request of his own making, reads it in
// English.
var unworded = map[string][]string{
	"only calls of the API can have them": {
		"body-too-large", "booking-id-mismatch", "payment-details-invalid", "renewal-not-allowed", "tickets-span-events", "unsupported-media-type",
	},
	"only operators can have them": {"invalid-transition", "precondition-failed", "room-rules-invalid", "unauthorized", "webhook-limit-reached", "webhook-message-not-found", "webhook-not-found"},
	"the page that was used tells them in its own words": {
		"booking-expired", "booking-not-cancellable", "booking-not-payable", "grace-over", "hold-cap-reached", "hold-cool-down", "hold-limit-reached",
		"hold-not-found", "hold-required", "invalid-cursor", "no-seats-together", "not-called", "payment-declined", "place-expired", "place-invalid", "place-required", "place-used", "poll-too-fast", "room-closed", "room-full", "stranded-seat", "ticket-unavailable",
	},
}

func TestEveryProblemHasWords(t *testing.T) {
	t.Parallel()
	var without []string
	for _, slugs := range unworded {
		without = append(without, slugs...)
	}
	english := lang.English()
	for _, k := range problem.Kinds() {
		is, do, listed := english.Has("problem.is."+k.Slug), english.Has("problem.do."+k.Slug), slices.Contains(without, k.Slug)
		if is != do || is == listed {
			t.Errorf("%s: title %t, advice %t, listed as a problem that no page tells: %t", k.Slug, is, do, listed)
		}
	}
	for _, slug := range without {
		if _, known := problem.Find(slug); !known {
			t.Errorf("%s is listed, and no problem", slug)
		}
	}
	// and the other way round: words of problems that do not exist are said by nobody
	for _, family := range []string{"problem.is.", "problem.do.", "room.refused.", "seats.refused."} {
		for key := range english.Words(family) {
			if slug := strings.TrimPrefix(key, family); slug != "none" {
				if _, known := problem.Find(slug); !known {
					t.Errorf("%s is of no problem", key)
				}
			}
		}
	}
}

func TestAFormsAddressIsNotAPage(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	r := e.want(405, "", "GET", "/events/"+guarded.String()+"/seats/hold", "", "Accept", "text/html", "Accept-Language", "de")
	r.holds(t, "Diese Adresse nimmt nur an, was ein Formular sendet", "Beginnen Sie noch einmal")
}

func TestARoomsPageTellsOtherProblemsInTheVisitorsLanguageToo(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	r := e.want(401, "", "POST", "/rooms/final/leave", "", "Accept", "text/html", "Accept-Language", "de", "Content-Type", "application/x-www-form-urlencoded",
		"Cookie", passCookie+"final=garbage")
	r.holds(t, "Wir können Ihren Einlass für diese Veranstaltung nicht lesen")
	r.lacks(t, "The pass is not valid")
}
