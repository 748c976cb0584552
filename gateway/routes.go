package gateway

import (
	"usher/gateway/page"
	"usher/images"
)

// routes is the table of contents of the public port.
func (s *Server) routes() *router {
	r := &router{server: s, name: "public"}
	const api = "/api/v1"

	// the line
	r.add("POST", api+"/visitors", s.postVisitor)
	r.add("GET", api+"/rooms/{room}", s.getRoom)
	r.add("POST", api+"/rooms/{room}/join", s.postJoin)
	r.add("GET", api+"/rooms/{room}/place", s.getPlace, "shown")
	r.add("POST", api+"/rooms/{room}/enter", s.postEnter)
	r.add("POST", api+"/rooms/{room}/renew", s.postRenew)
	r.add("POST", api+"/rooms/{room}/leave", s.postLeave)
	r.add("GET", api+"/rooms/{room}/check", s.getCheck, "redirect")
	r.add("GET", "/.well-known/jwks.json", s.getJWKS)

	// events; "search" stands first, for it is never an event's id
	r.add("GET", api+"/events/search", s.getSearch, searchParameters...)
	r.add("GET", api+"/suggestions", s.getSuggestions, "q", "limit")
	r.add("GET", api+"/events/{event_id}", s.getEvent, "tickets_cursor")
	r.add("GET", api+"/events/{event_id}/seats", s.getSeats)
	r.add("GET", api+"/events/{event_id}/layout", s.getLayout)
	r.add("GET", api+"/events/{event_id}/stream", s.getStream)

	// holds
	r.add("POST", api+"/events/{event_id}/ticket/{ticket_id}/hold", s.inTurn(s.postHold))
	r.add("DELETE", api+"/events/{event_id}/ticket/{ticket_id}/hold", s.deleteHold)
	r.add("POST", api+"/events/{event_id}/holds", s.inTurn(s.postHolds))
	r.add("GET", api+"/events/{event_id}/holds", s.getHolds)
	r.add("DELETE", api+"/events/{event_id}/holds", s.deleteHolds)
	r.add("POST", api+"/events/{event_id}/holds/extend", s.postExtend)

	// bookings
	r.add("POST", api+"/booking", s.postBooking)
	r.add("GET", api+"/booking/{booking_id}", s.getBooking)
	r.add("POST", api+"/booking/{booking_id}/confirm", s.postConfirm)
	r.add("POST", api+"/booking/{booking_id}/cancel", s.postCancel)
	r.add("POST", api+"/booking/{booking_id}/extend", s.postExtendBooking)

	// the sandbox's payer
	r.add("GET", "/sandbox/actions/{attempt}", s.getActionPage, "return")
	r.add("POST", "/sandbox/actions/{attempt}", s.postSandboxAction)
	r.add("POST", "/sandbox/actions/{attempt}/approve", s.postActionForm(true))
	r.add("POST", "/sandbox/actions/{attempt}/decline", s.postActionForm(false))

	// the payment provider
	r.add("POST", "/webhooks/stripe", s.postStripe)

	// pages and papers
	r.add("GET", "/", s.getSearchPage, searchPageParameters...)
	r.add("GET", calendarPath, s.getSearchCalendar, searchPageParameters...)
	r.add("GET", "/events/{event_id}", s.getEventPage)
	r.add("GET", "/events/{event_id}/calendar.ics", s.getEventCalendar)
	r.add("GET", "/events/{event_id}/seats", s.getSeatsPage, seatsParameters...)
	r.add("POST", "/events/{event_id}/seats/hold", s.inTurn(s.postSeatHold))
	r.add("POST", "/events/{event_id}/seats/release", s.postSeatRelease)
	r.add("POST", "/events/{event_id}/seats/best", s.inTurn(s.postSeatsBest))
	r.add("POST", "/events/{event_id}/seats/extend", s.postSeatsExtend)
	r.add("POST", "/events/{event_id}/seats/book", s.postSeatsBook)
	r.add("GET", "/rooms/{room}", s.getRoomPage, "shown", "from")
	r.add("POST", "/rooms/{room}/join", s.postRoomForm(s.postJoin, s.afterJoin))
	r.add("POST", "/rooms/{room}/enter", s.postRoomForm(s.postEnter, s.afterEnter))
	r.add("POST", "/rooms/{room}/leave", s.postRoomForm(s.postLeave, s.afterLeave))
	r.add("GET", "/checkout/{booking_id}", s.getCheckout)
	r.add("POST", "/checkout/{booking_id}/pay", s.postPay)
	r.add("POST", "/checkout/{booking_id}/extend", s.postExtendForm)
	r.add("POST", "/checkout/{booking_id}/cancel", s.postCancelForm)
	r.add("GET", "/booking/{booking_id}", s.getTicket)
	r.add("GET", "/booking/{booking_id}/calendar.ics", s.getTicketCalendar)
	r.add("GET", "/problems/{slug}", s.getProblem)
	r.add("GET", page.AssetPath+"{asset}", s.getAsset)
	r.add("GET", images.Path+"{digest}/{file}", s.getImage)
	r.add("GET", "/language", s.getLanguage, langParameter, "to")
	r.add("GET", "/sitemap.xml", s.getSiteMap)
	r.add("GET", "/sitemaps/{part}", s.getSiteMapPart)
	r.add("GET", "/robots.txt", s.getRobots)
	r.add("GET", "/openapi.json", s.getOpenAPI)
	r.add("GET", "/healthz", s.getHealth)
	return r
}

// adminRoutes is the table of contents of the admin port.
func (s *Server) adminRoutes() *router {
	r := &router{server: s, name: "admin", guard: s.requireAdmin}
	const api = "/admin/v1"
	r.add("GET", api+"/rooms", s.adminRooms)
	r.add("GET", api+"/rooms/{room}", s.adminRoom)
	r.add("PUT", api+"/rooms/{room}", s.adminPut)
	r.add("PATCH", api+"/rooms/{room}", s.adminPatch)
	r.add("GET", api+"/rooms/{room}/stats", s.adminStats)
	r.add("GET", api+"/audit", s.adminAudit, "page_cursor")
	for _, order := range []string{"open", "pause", "resume", "drain", "end"} {
		r.add("POST", api+"/rooms/{room}/"+order, s.adminOrder(order))
	}
	r.add("GET", api+"/webhooks", s.adminWebhooks)
	r.add("POST", api+"/webhooks", s.adminMakeWebhook)
	r.add("GET", api+"/webhooks/{webhook}", s.adminWebhook)
	r.add("DELETE", api+"/webhooks/{webhook}", s.adminEndWebhook)
	r.add("POST", api+"/webhooks/{webhook}/rotate", s.adminRotateWebhook)
	r.add("POST", api+"/webhooks/{webhook}/replay", s.adminReplayWebhook)
	r.add("POST", api+"/webhooks/{webhook}/test", s.adminTestWebhook)
	r.add("GET", api+"/webhooks/{webhook}/set-aside", s.adminSetAside, "page_cursor")
	r.add("DELETE", api+"/webhooks/{webhook}/set-aside/{message}", s.adminDropAside)
	r.add("POST", api+"/webhooks/{webhook}/set-aside/{message}/retry", s.adminTryAgain)
	r.add("GET", "/metrics", s.getMetrics)
	r.add("GET", "/debug/pprof/", s.getPprof, pprofParameters...)
	r.add("GET", "/debug/pprof/{profile}", s.getPprof, pprofParameters...)
	r.add("GET", "/openapi.json", s.getAdminOpenAPI)
	r.add("GET", "/healthz", s.getHealth)
	r.add("GET", "/readyz", s.getReady)
	return r
}
