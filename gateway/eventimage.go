package gateway

import "usher/images"

// eventImage is an event's picture on its page: one that fits the screen, in a frame whose place is kept before it comes.
type eventImage struct{ Card, Wide string } // addresses: 800 and 1600 pixels wide

// imageOf is the picture of an event that pages may load; nil when there is none.
func (s *Server) imageOf(stored string) *eventImage {
	if link := s.Site.Link(stored, images.Card); link != "" {
		return &eventImage{link, s.Site.Link(stored, images.Wide)}
	}
	return nil
}
