package gateway

// searchParameters are those of GET /events/search, as far as they exist.
var searchParameters = []string{"location", "radius_km", "start_date", "end_date", "venue", "performer", "price_min", "price_max", "page_size", "page_cursor", "sort", "include"}

// routes is the table of contents of the public port.
func (s *Server) routes() *router {
	r := &router{server: s, byLen: map[int][]*route{}}
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

	// events
	r.add("GET", api+"/events/search", s.getSearch, searchParameters...)
	r.add("GET", api+"/events/{event}", s.getEvent, "tickets_cursor")
	r.add("GET", api+"/events/{event}/seats", s.getSeats)

	// holds
	r.add("POST", api+"/events/{event}/ticket/{ticket}/hold", s.postHold)
	r.add("DELETE", api+"/events/{event}/ticket/{ticket}/hold", s.deleteHold)
	r.add("POST", api+"/events/{event}/holds", s.postHolds)
	r.add("GET", api+"/events/{event}/holds", s.getHolds)
	r.add("DELETE", api+"/events/{event}/holds", s.deleteHolds)
	r.add("POST", api+"/events/{event}/holds/extend", s.postExtend)

	// bookings
	r.add("POST", api+"/booking", s.postBooking)
	r.add("GET", api+"/booking/{booking}", s.getBooking)
	r.add("POST", api+"/booking/{booking}/confirm", s.postConfirm)
	r.add("POST", api+"/booking/{booking}/cancel", s.postCancel)
	r.add("POST", "/sandbox/actions/{attempt}", s.postSandboxAction)

	// pages and papers
	r.add("GET", "/", s.getHome)
	r.add("GET", "/rooms/{room}", s.getRoomPage)
	r.add("POST", "/rooms/{room}/join", s.postRoomForm(s.postJoin))
	r.add("POST", "/rooms/{room}/enter", s.postRoomForm(s.postEnter))
	r.add("GET", "/problems/{slug}", s.getProblem)
	r.add("GET", "/openapi.json", s.getOpenAPI)
	r.add("GET", "/healthz", s.getHealth)
	return r
}

// adminRoutes is the table of contents of the admin port.
func (s *Server) adminRoutes() *router {
	r := &router{server: s, byLen: map[int][]*route{}, guard: s.requireAdmin}
	const api = "/admin/v1"
	r.add("GET", api+"/rooms", s.adminRooms)
	r.add("GET", api+"/rooms/{room}", s.adminRoom)
	r.add("GET", api+"/rooms/{room}/stats", s.adminStats)
	for _, order := range []string{"open", "pause", "resume", "drain", "end"} {
		r.add("POST", api+"/rooms/{room}/"+order, s.adminOrder(order))
	}
	r.add("GET", "/metrics", s.getMetrics)
	r.add("GET", "/debug/pprof", s.getPprof, "debug", "seconds")
	r.add("GET", "/debug/pprof/{profile}", s.getPprof, "debug", "seconds")
	r.add("GET", "/openapi.json", s.getAdminOpenAPI)
	r.add("GET", "/healthz", s.getHealth)
	r.add("GET", "/readyz", s.getReady)
	return r
}
