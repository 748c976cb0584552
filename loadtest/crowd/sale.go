package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
)

// sale is the on-sale as a stranger finds it.
type sale struct {
	event, name  string
	capacity     int // tickets
	room         string
	roomCapacity int // sessions; 0: not known
}

type eventView struct {
	Event struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	} `json:"event"`
	Tickets      []ticket `json:"tickets"`
	Next         string   `json:"tickets_next_cursor"`
	Availability struct {
		Capacity int `json:"capacity"`
		Free     int `json:"free"`
		Held     int `json:"held"`
		Paying   int `json:"paying"`
		Booked   int `json:"booked"`
		Blocked  int `json:"blocked"`
	} `json:"availability"`
	Room *struct {
		ID     string `json:"id"`
		Active bool   `json:"active"`
	} `json:"room"`
}

type ticket struct {
	ID      string `json:"id"`
	Status  string `json:"status"`
	Held    bool   `json:"held"`
	Blocked bool   `json:"blocked"`
}

func (t ticket) forSale() bool { return t.Status == "available" && !t.Held && !t.Blocked }

// get decodes the answer of a GET.
func get(ctx context.Context, client *http.Client, address, token string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", address, resp.Status)
	}
	return json.NewDecoder(resp.Body).Decode(into)
}

// findSale looks the event up, or finds the first that stands behind an active room.
func findSale(ctx context.Context, client *http.Client, o options) (sale, error) {
	if o.event != "" {
		return lookAt(ctx, client, o, o.event)
	}
	for cursor, pages := "", 0; pages < 100; pages++ {
		var page struct {
			Events []struct {
				ID           string `json:"id"`
				Availability string `json:"availability"`
			} `json:"events"`
			Next string `json:"next_page_cursor"`
		}
		address := o.url + "/api/v1/events/search?page_size=100"
		if cursor != "" {
			address += "&page_cursor=" + url.QueryEscape(cursor)
		}
		if err := get(ctx, client, address, "", &page); err != nil {
			return sale{}, err
		}
		for _, e := range page.Events {
			if e.Availability == "none" {
				continue
			}
			if s, err := lookAt(ctx, client, o, e.ID); err == nil && s.room != "" {
				return s, nil
			}
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	return sale{}, errors.New("no event with tickets stands behind an active room: give one with --event")
}

func lookAt(ctx context.Context, client *http.Client, o options, event string) (s sale, err error) {
	var v eventView
	if err := get(ctx, client, o.url+"/api/v1/events/"+event, "", &v); err != nil {
		return s, err
	}
	s = sale{event: v.Event.ID, name: v.Event.Name, capacity: v.Availability.Capacity, roomCapacity: o.capacity}
	if v.Room == nil || !v.Room.Active {
		return s, nil
	}
	s.room = v.Room.ID
	var room struct {
		Capacity int `json:"capacity"`
	}
	if o.token != "" {
		if err := get(ctx, client, o.adminURL+"/admin/v1/rooms/"+s.room, o.token, &room); err == nil {
			s.roomCapacity = room.Capacity
		}
	}
	if s.roomCapacity == 0 {
		return s, errors.New("the room's capacity is not known: give --admin-token, or --capacity")
	}
	return s, nil
}

// view reads the event's whole view, all pages of its tickets.
func view(ctx context.Context, client *http.Client, base, event string) (v eventView, err error) {
	address := base + "/api/v1/events/" + event
	for cursor, pages := "", 0; pages < 100; pages++ {
		var page eventView
		at := address
		if cursor != "" {
			at += "?tickets_cursor=" + url.QueryEscape(cursor)
		}
		if err := get(ctx, client, at, "", &page); err != nil {
			return v, err
		}
		tickets := append(v.Tickets, page.Tickets...)
		v, v.Tickets = page, tickets
		if cursor = page.Next; cursor == "" {
			return v, nil
		}
	}
	return v, nil
}
