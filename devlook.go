package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"
)

const (
	readyPatience = 60 * time.Second
	readyEvery    = 100 * time.Millisecond
)

// checkPorts finds a busy port before anything is started, and says by which flag to choose another. It also lets the public URL
// follow the public address, unless one was given.
func (d *devSystem) checkPorts(context.Context) error {
	for _, port := range []struct{ flag, addr string }{{"addr", d.Addr}, {"admin-addr", d.AdminAddr}} {
		l, err := net.Listen("tcp", port.addr)
		if errors.Is(err, syscall.EADDRINUSE) {
			return fmt.Errorf("--%s: port %s is busy: another program listens there; stop it, or choose another port with --%s :PORT", port.flag, port.addr, port.flag)
		}
		if err != nil {
			return fmt.Errorf("--%s: %w", port.flag, err)
		}
		if err := l.Close(); err != nil {
			return err
		}
	}
	if d.PublicURL == "http://localhost:8080" {
		d.PublicURL = browserURL(d.Addr)
	}
	return nil
}

// browserURL is where a browser on this machine finds a listener on addr.
func browserURL(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if ip := net.ParseIP(host); err != nil || host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port)
}

// waitReady asks the admin port until the gateway says that it can serve.
func (d *devSystem) waitReady(ctx context.Context) error {
	deadline, cancel := context.WithTimeout(ctx, readyPatience)
	defer cancel()
	tick := time.NewTicker(readyEvery)
	defer tick.Stop()
	for {
		err := d.askAdmin(deadline, "/readyz", nil)
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-deadline.Done():
			return errors.Join(ctx.Err(), fmt.Errorf("not ready after %s: %w", readyPatience, err))
		}
	}
}

// askAdmin gets a path of the admin port and decodes the answer, unless into is nil.
func (d *devSystem) askAdmin(ctx context.Context, path string, into any) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, browserURL(d.AdminAddr)+path, nil)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+d.AdminToken)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", path, answer.Status)
	}
	if into == nil {
		return nil
	}
	return json.NewDecoder(answer.Body).Decode(into)
}

// announce prints where to look.
func (d *devSystem) announce(ctx context.Context) error {
	var b strings.Builder
	fmt.Fprintf(&b, "\nUsher is ready.\n\n  public    %s\n  admin     %s   token %s\n", d.PublicURL, browserURL(d.AdminAddr), d.AdminToken)
	rooms, err := d.rooms(ctx)
	if err != nil {
		d.log.Warn("no list of rooms", "err", err)
	}
	for _, r := range rooms {
		for _, event := range r.EventIDs {
			fmt.Fprintf(&b, "  on sale   %s/api/v1/events/%s   %s, behind the room %s\n", d.PublicURL, event, r.Name, r.Room)
		}
	}
	fmt.Fprintf(&b, "  Postgres  psql '%s'\n  Redis     %s\n  Kafka     %s\n", d.Postgres, d.Redis, d.Kafka)
	if d.Elasticsearch != "" {
		fmt.Fprintf(&b, "  search    %s\n", d.Elasticsearch)
	}
	fmt.Fprintf(&b, "  data      %s\n", d.folder.Path)
	fmt.Fprintf(&b, "  audit     %s audit --postgres '%s' --kafka %s\n", os.Args[0], d.Postgres, d.Kafka)
	fmt.Fprintln(&b, "\nCtrl-C stops all of it. The next start finds its data.")
	_, err = fmt.Fprintln(d.out, b.String())
	return err
}

type devRoom struct {
	Room     string   `json:"room"`
	Name     string   `json:"name"`
	Active   bool     `json:"active"`
	EventIDs []string `json:"event_ids"`
}

// rooms are the active ones.
func (d *devSystem) rooms(ctx context.Context) (active []devRoom, err error) {
	var answer struct {
		Rooms []devRoom `json:"rooms"`
	}
	if err := d.askAdmin(ctx, "/admin/v1/rooms", &answer); err != nil {
		return nil, err
	}
	for _, r := range answer.Rooms {
		if r.Active {
			active = append(active, r)
		}
	}
	return active, nil
}
