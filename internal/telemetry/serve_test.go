package telemetry

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/VictoriaMetrics/metrics"
)

func TestWhatARoleTellsOfItself(t *testing.T) {
	t.Parallel()
	metrics.GetOrCreateCounter("usher_telemetry_test_total").Inc()
	var away error
	server := httptest.NewServer(routes(func(ctx context.Context) error {
		if _, bounded := ctx.Deadline(); !bounded {
			t.Error("the question whether it is ready has no end")
		}
		return away
	}))
	defer server.Close()
	f := func(path string, status int, want string) {
		t.Helper()
		answer, err := http.Get(server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = answer.Body.Close() }()
		body, err := io.ReadAll(answer.Body)
		if err != nil || answer.StatusCode != status || !strings.Contains(string(body), want) {
			t.Errorf("%s: %s, %v, want %d with %q:\n%.300s", path, answer.Status, err, status, want, body)
		}
	}
	f("/healthz", 200, "ok")
	f("/readyz", 200, "ok")
	f("/metrics", 200, "usher_telemetry_test_total 1")
	f("/metrics", 200, "process_resident_memory_bytes")
	f("/debug/pprof/", 404, "")
	away = errors.New("password pl4nted")
	f("/healthz", 200, "ok")
	f("/readyz", 503, "not ready: a store is away\n")
}

func TestServeEndsWithItsContextAndSaysWhenItCannot(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	stop()
	for _, addr := range []string{"", "127.0.0.1:0"} {
		if err := Serve(ctx, addr, nil); err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("%q: %v", addr, err)
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	if err := Serve(t.Context(), l.Addr().String(), nil); err == nil || !strings.Contains(err.Error(), "--metrics-addr") {
		t.Errorf("a port that is taken: %v", err)
	}
}
