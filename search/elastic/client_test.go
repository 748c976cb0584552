package elastic

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"usher/internal/testenv"
)

// planted is a password that no text may quote.
const planted = "pl4nted"

func TestUnderTLSAUserWithAPassword(t *testing.T) {
	t.Parallel()
	var known, unknown atomic.Int32
	cert := testenv.NewCertificate(t)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, ok := r.BasicAuth(); ok && user == "usher" && password == planted+"/@" {
			known.Add(1)
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(`{"usher-1":{"aliases":{"usher":{}}}}`))
			return
		}
		unknown.Add(1)
		w.WriteHeader(http.StatusUnauthorized)
	}))
	server.TLS = cert.Server(t)
	server.StartTLS()
	t.Cleanup(server.Close)
	host := server.Listener.Addr().String()
	ask := func(address string) error {
		t.Helper()
		c, err := Open([]string{address}, "usher")
		if err != nil {
			return err
		}
		_, err = c.Current(t.Context())
		return err
	}
	if err := ask("https://usher:" + planted + "%2F%40@" + host + "?ca=" + cert.CA); err != nil || known.Load() == 0 {
		t.Errorf("with everything: %v, and %d requests by our user", err, known.Load())
	}
	before := known.Load()
	for what, address := range map[string]string{
		"an authority of nobody's":  "https://usher:" + planted + "%2F%40@" + host + "?ca=" + testenv.NewCertificate(t).CA,
		"the system's authorities":  "https://usher:" + planted + "%2F%40@" + host,
		"another password":          "https://usher:" + planted + "@" + host + "?ca=" + cert.CA,
		"nobody":                    "https://" + host + "?ca=" + cert.CA,
		"another scheme":            "ftp://usher:" + planted + "@" + host,
		"no port":                   "https://usher:" + planted + "@localhost",
		"a file that is not there":  "https://usher:" + planted + "@" + host + "?ca=/nowhere",
		"an option that is unknown": "https://usher:" + planted + "@" + host + "?sniff=true",
	} {
		if err := ask(address); err == nil || strings.Contains(err.Error(), planted) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if known.Load() != before || unknown.Load() == 0 {
		t.Errorf("%d requests were believed that must not be, %d refused", known.Load()-before, unknown.Load())
	}
}
