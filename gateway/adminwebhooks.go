package gateway

import (
	"time"

	"usher/booking/webhook"
	"usher/internal/id"
	"usher/internal/problem"
)

// webhookJSON is a webhook as operators see it. The secret is told when it is made, and never again.
type webhookJSON struct {
	ID             id.Key     `json:"id"`
	URL            string     `json:"url"`
	Kinds          []string   `json:"kinds"`
	EventIDs       []id.Event `json:"event_ids"`
	State          string     `json:"state"`
	Waiting        int64      `json:"waiting"`
	SetAside       int64      `json:"set_aside"`
	Failures       int        `json:"failures"`
	LastSuccessAt  *time.Time `json:"last_success_at"`
	LastError      *string    `json:"last_error"`
	DisabledAt     *time.Time `json:"disabled_at"`
	OldSecretUntil *time.Time `json:"old_secret_until"`
	CreatedAt      time.Time  `json:"created_at"`
	Secret         string     `json:"secret,omitempty"`
}

func webhookOf(w webhook.Webhook) webhookJSON {
	out := webhookJSON{
		ID: w.ID, URL: w.URL, Kinds: []string{}, EventIDs: []id.Event{}, State: "active", Waiting: w.Waiting, SetAside: w.SetAside, Failures: w.Failures,
		LastSuccessAt: maybe(w.LastSuccess), LastError: text(w.LastError), DisabledAt: maybe(w.DisabledAt), OldSecretUntil: maybe(w.OldUntil), CreatedAt: clock(w.CreatedAt),
	}
	for _, k := range w.Kinds {
		out.Kinds = append(out.Kinds, string(k))
	}
	out.EventIDs = append(out.EventIDs, w.Events...)
	switch {
	case !w.DisabledAt.IsZero():
		out.State = "disabled"
	case w.Failures > 0:
		out.State = "failing"
	}
	return out
}

// withSecret is a webhook right after its secret was made.
func withSecret(w webhook.Webhook) webhookJSON {
	out := webhookOf(w)
	out.Secret = webhook.SecretText(w.Secrets[0])
	return out
}

// adminWebhooks lists all.
func (s *Server) adminWebhooks(c *call) error {
	all, err := s.Receivers.List(c.context())
	if err != nil {
		return err
	}
	body := struct {
		Webhooks []webhookJSON `json:"webhooks"`
	}{[]webhookJSON{}}
	for _, w := range all {
		body.Webhooks = append(body.Webhooks, webhookOf(w))
	}
	return c.answer(200, body)
}

// adminMakeWebhook makes one and tells its secret.
func (s *Server) adminMakeWebhook(c *call) error {
	body, err := c.object("url", "kinds", "event_ids")
	if err != nil {
		return err
	}
	wish := webhook.Wish{URL: body.text("url", webhook.MaxURL), Events: body.events("event_ids")}
	if !body.has("url") {
		body.fault("url", "is needed")
	}
	if body.has("kinds") {
		wish.Kinds = body.texts("kinds")
	}
	if err := body.err(); err != nil {
		return err
	}
	w, err := s.Receivers.Create(c.context(), wish)
	if err != nil {
		return err
	}
	s.wrote(c, "create", w)
	c.set("Location", "/admin/v1/webhooks/"+w.ID.String())
	return c.answer(201, withSecret(w))
}

// adminWebhook shows one.
func (s *Server) adminWebhook(c *call) error {
	return s.webhook(c, func(of id.Key) error {
		w, err := s.Receivers.Get(c.context(), of)
		if err != nil {
			return err
		}
		return c.answer(200, webhookOf(w))
	})
}

// adminEndWebhook removes one.
func (s *Server) adminEndWebhook(c *call) error {
	return s.webhook(c, func(of id.Key) error {
		if err := s.Receivers.Delete(c.context(), of); err != nil {
			return err
		}
		s.wrote(c, "delete", webhook.Webhook{ID: of})
		return c.empty(204)
	})
}

// adminRotateWebhook makes a new secret; the old one signs beside it for a day.
func (s *Server) adminRotateWebhook(c *call) error {
	return s.webhook(c, func(of id.Key) error {
		if err := c.none(); err != nil {
			return err
		}
		w, err := s.Receivers.Rotate(c.context(), of)
		if err != nil {
			return err
		}
		s.wrote(c, "rotate", w)
		return c.answer(200, withSecret(w))
	})
}

// adminReplayWebhook delivers again what came after a message, or since a time, and switches the webhook on.
func (s *Server) adminReplayWebhook(c *call) error {
	return s.webhook(c, func(of id.Key) error {
		body, err := c.object("after", "since")
		if err != nil {
			return err
		}
		var after int64
		var since time.Time
		if body.has("after") == body.has("since") {
			body.fault("after", "want either after, a webhook-id, or since, a time")
		} else if body.has("since") {
			since = body.time("since")
		} else if seq, ok := webhook.ParseMessageID(body.text("after", maxText)); ok {
			after = seq
		} else {
			body.fault("after", "want a webhook-id such as msg_42")
		}
		if err := body.err(); err != nil {
			return err
		}
		w, err := s.Receivers.Replay(c.context(), of, after, since)
		if err != nil {
			return err
		}
		s.wrote(c, "replay", w)
		return c.answer(200, webhookOf(w))
	})
}

// adminTestWebhook puts a test message in line. What came of it shows in the webhook a moment later.
func (s *Server) adminTestWebhook(c *call) error {
	return s.webhook(c, func(of id.Key) error {
		if err := c.none(); err != nil {
			return err
		}
		w, err := s.Receivers.Test(c.context(), of)
		if err != nil {
			return err
		}
		c.set("Retry-After", "1")
		return c.answer(202, webhookOf(w))
	})
}

// asideJSON is a message that was given up, as operators see it: nothing of who has bought, as in the message itself.
type asideJSON struct {
	ID           string      `json:"id"`
	Type         *string     `json:"type"` // null: it cannot be read
	EventID      *id.Event   `json:"event_id"`
	BookingID    *id.Booking `json:"booking_id"`
	Tries        int         `json:"tries"`
	FirstTriedAt time.Time   `json:"first_tried_at"`
	SetAsideAt   time.Time   `json:"set_aside_at"`
	Error        string      `json:"error"`
}

func asideOf(a webhook.Aside) asideJSON {
	kind, e, b := a.About()
	out := asideJSON{ID: webhook.MessageID(a.Seq), Type: text(string(kind)), BookingID: b, Tries: a.Tries, FirstTriedAt: clock(a.FirstAt), SetAsideAt: clock(a.At), Error: a.Error}
	if e != 0 {
		out.EventID = &e
	}
	return out
}

// adminSetAside shows a page of the messages that were given up.
func (s *Server) adminSetAside(c *call) error {
	return s.webhook(c, func(of id.Key) error {
		page, next, err := s.Receivers.SetAside(c.context(), of, string(c.http.QueryArgs().Peek("page_cursor")))
		if err != nil {
			return err
		}
		body := struct {
			Messages []asideJSON `json:"messages"`
			Next     *string     `json:"next_page_cursor"`
		}{[]asideJSON{}, text(next)}
		for _, a := range page {
			body.Messages = append(body.Messages, asideOf(a))
		}
		return c.answer(200, body)
	})
}

// adminTryAgain lets one of them wait for its delivery again.
func (s *Server) adminTryAgain(c *call) error {
	return s.webhook(c, func(of id.Key) error {
		if err := c.none(); err != nil {
			return err
		}
		if err := s.Receivers.TryAgain(c.context(), of, c.params[1]); err != nil {
			return err
		}
		s.wrote(c, "retry", webhook.Webhook{ID: of}, "message", c.params[1])
		w, err := s.Receivers.Get(c.context(), of)
		if err != nil {
			return err
		}
		return c.answer(200, webhookOf(w))
	})
}

// adminDropAside forgets one of them.
func (s *Server) adminDropAside(c *call) error {
	return s.webhook(c, func(of id.Key) error {
		if err := s.Receivers.DropAside(c.context(), of, c.params[1]); err != nil {
			return err
		}
		s.wrote(c, "drop", webhook.Webhook{ID: of}, "message", c.params[1])
		return c.empty(204)
	})
}

// webhook reads which one the path names.
func (s *Server) webhook(c *call, do func(of id.Key) error) error {
	of, err := id.ParseKey(c.params[0])
	if err != nil {
		return webhook.ErrNotFound
	}
	return do(of)
}

// wrote logs who has changed a webhook, and about names and values in turn. Neither its address, which may hold a secret of the receiver, nor its own secret is logged.
func (s *Server) wrote(c *call, action string, w webhook.Webhook, about ...any) {
	by := s.by(c)
	s.Log.Info("a webhook was changed", append([]any{"action", action, "webhook", w.ID.String(), "who", by.Who, "request_id", by.Request, "address", by.Address}, about...)...)
}

// webhookInvalid names everything that is wrong with a webhook that somebody wants.
func webhookInvalid(err *webhook.WishError) *problem.Problem {
	var fields []problem.Field
	for _, f := range err.Faults {
		fields = append(fields, problem.Field{Field: f.Member, Message: f.Message})
	}
	return problem.Invalid(fields...)
}
