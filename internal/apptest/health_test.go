package apptest

import (
	"io"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestEveryRoleTellsHowItIs asks roles as a container's health check, a load balancer and a monitor do.
func TestEveryRoleTellsHowItIs(t *testing.T) {
	t.Parallel()
	s := Start(t, Options{})
	healthy := func(setting string) bool {
		cmd := exec.CommandContext(t.Context(), s.binary, "health")
		cmd.Env = append(append([]string{}, s.env...), setting)
		return cmd.Run() == nil
	}
	if !healthy("USHER_ADMIN_ADDR=" + strings.TrimPrefix(s.Admin[0], "http://")) {
		t.Error("a gateway that is ready is not said to live")
	}
	for role, figure := range map[string]string{"worker": "usher_worker_partitions", "relay": "usher_relay_leading"} {
		addr := freePort(t)
		if healthy("USHER_METRICS_ADDR=" + addr) {
			t.Errorf("a %s that has not begun is said to live", role)
		}
		plain := s.env
		s.env = append(append([]string{}, plain...), "USHER_METRICS_ADDR="+addr)
		s.StartRole(role, 1)
		s.env = plain
		within(t, 30*time.Second, "the "+role+" lives", func() bool { return healthy("USHER_METRICS_ADDR=" + addr) })
		for path, want := range map[string]string{"/readyz": "ok", "/metrics": figure + " "} {
			answer, err := http.Get("http://" + addr + path) // no call of the contract
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(answer.Body)
			_ = answer.Body.Close()
			if err != nil || answer.StatusCode != http.StatusOK || !strings.Contains(string(body), want) {
				t.Errorf("%s%s: %s, %v, want %q in it", role, path, answer.Status, err, want)
			}
		}
		s.Kill(role, 1)
		if healthy("USHER_METRICS_ADDR=" + addr) {
			t.Errorf("a %s that was killed is said to live", role)
		}
	}
}
