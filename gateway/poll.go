package gateway

import (
	"errors"
	"strconv"

	"usher/internal/problem"
	"usher/waitroom"
)

const maxShown = 1e12 // positions beyond it are a joke

// getPlace is the poll: the one call that a waiting crowd makes, many times as often as all others together. It touches no store, has
// no side effect and allocates next to nothing (BenchmarkPollHandler against BenchmarkBareHandler).
func (s *Server) getPlace(c *call) error {
	p, sealed, err := s.place(c, c.params[0])
	if err != nil {
		return err
	}
	shown, err := c.shown()
	if err != nil {
		return err
	}
	line, err := s.Waitroom.Poll(p, shown)
	if errors.Is(err, waitroom.ErrPollTooFast) {
		answerTooFast(c, &line)
		return nil
	}
	if err != nil {
		return err
	}
	line.Sealed = sealed
	s.answerLine(c, 200, &line)
	return nil
}

var tooFastTotal = problemsTotal(tooFast.Slug)

// tooFast is poll-too-fast, whose document is the same for everybody but for who asked.
var tooFast = problem.New("poll-too-fast", waitroom.ErrPollTooFast.Error())

// answerTooFast writes by hand what answerError would write: whoever asks again and again must not cost more than those who wait.
func answerTooFast(c *call, line *waitroom.Line) {
	tooFastTotal.Inc()
	var number [20]byte
	c.out.SetCanonical(retryAfterName, strconv.AppendInt(number[:0], int64(max(seconds(line.PollAfter), 1)), 10))
	c.out.SetCanonical(cacheName, noStore)
	c.out.SetContentType(typeProblem)
	c.out.SetStatusCode(tooFast.Status)
	buf, _ := lineBuffers.Get().(*[]byte)
	b := appendString(append((*buf)[:0], `{"detail":`...), tooFast.Detail)
	b = append(append(b, `,"instance":"`...), instance(c.in.RequestURI())...)
	b = append(append(b, `","request_id":"`...), c.out.Peek("Request-Id")...)
	b = strconv.AppendInt(append(b, `","status":`...), int64(tooFast.Status), 10)
	b = appendString(append(b, `,"title":`...), tooFast.Title)
	*buf = append(b, `,"type":"/problems/poll-too-fast"}`...)
	c.http.Response.SetBody(*buf)
	lineBuffers.Put(buf)
}

// shown reads the position that a visitor was told last, 0 when he says none. Nobody keeps it for him: a liar fools only himself.
func (c *call) shown() (int64, error) { return c.position("shown") }

// position reads a position from the address, 0 when there is none.
func (c *call) position(name string) (int64, error) {
	arg := c.http.QueryArgs().Peek(name)
	if arg == nil {
		return 0, nil
	}
	n, err := strconv.ParseInt(string(arg), 10, 64)
	if err != nil || n < 1 || n > maxShown {
		return 0, problem.Invalid(problem.Field{Field: name, Message: "want a position, a whole number from 1"})
	}
	return n, nil
}

// stillWaiting tells those who come to enter too early when to come again: the line knows better than a client's guess, and a crowd that asks at
// the told time is spread out.
func stillWaiting(err error, line *waitroom.Line) error {
	slug := ""
	switch {
	case errors.Is(err, waitroom.ErrNotCalled):
		slug = "not-called"
	case errors.Is(err, waitroom.ErrRoomFull):
		slug = "room-full"
	default:
		return err
	}
	p := problem.New(slug, err.Error())
	p.RetryAfter = seconds(line.PollAfter)
	if slug == "not-called" {
		p.With("position", line.Position)
	}
	return p
}
