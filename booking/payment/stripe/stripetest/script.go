package stripetest

import (
	_ "embed"
	"net/http"
)

// What stands in for Stripe's script and for the frame that it draws.
var (
	//go:embed stripe.js
	script []byte
	//go:embed frame.html
	frame []byte
)

// ScriptPath is where the stand-in for Stripe's script is served.
const ScriptPath = "/v3/"

// serveScript answers for js.stripe.com.
func serveScript(w http.ResponseWriter, r *http.Request) (done bool) {
	if r.Method != "GET" {
		return false
	}
	switch r.URL.Path {
	case ScriptPath:
		w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
		_, _ = w.Write(script)
	case ScriptPath + "frame":
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(frame)
	default:
		return false
	}
	return true
}
