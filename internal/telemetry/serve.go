package telemetry

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/VictoriaMetrics/metrics"
)

const (
	askTime   = 2 * time.Second // for the answer whether a role is ready
	closeTime = time.Second     // for requests under way at the end
)

// Serve serves /metrics in Prometheus' text form, /healthz (the process lives) and /readyz (ready returned no error within 2 s) until ctx ends.
// The address is to be private. Without one it does nothing until ctx ends.
func Serve(ctx context.Context, addr string, ready func(context.Context) error) error {
	if addr == "" {
		<-ctx.Done()
		return nil
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("--metrics-addr: %w", err)
	}
	s := &http.Server{Handler: routes(ready), ReadTimeout: 5 * time.Second, WriteTimeout: 10 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(l) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTime)
	defer cancel()
	if err := s.Shutdown(closing); err != nil {
		return errors.Join(s.Close(), <-ended)
	}
	return nil
}

func routes(ready func(context.Context) error) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) { metrics.WritePrometheus(w, true) })
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), askTime)
		defer cancel()
		if err := ready(ctx); err != nil {
			http.Error(w, "not ready: a store is away", http.StatusServiceUnavailable) // what exactly is in the log
			return
		}
		fmt.Fprintln(w, "ok")
	})
	return mux
}
