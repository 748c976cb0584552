package browser

import (
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
)

func TestMain(m *testing.M) { os.Exit(Main(m.Run)) }

// pages are what the tests look at: well-behaved ones, and one for each fault that the harness must find.
var pages = map[string]string{
	"/good": document("Good", `<h1>Good</h1><form action="/found"><label>City <input name="city" value="Paris"></label>
		<label>From <input type="date" name="from"></label>
		<label>Order <select name="sort"><option value="d">By date</option><option value="n">By name</option></select></label>
		<label><input type="checkbox" name="free"> Free only</label><button>Search</button></form>
		<p><a href="/found">All</a></p>`),
	"/found":    document("Found", `<h1>Found</h1><p>Two events</p><p><a href="/good">Again</a></p>`),
	"/script":   document("Script", `<h1>Script</h1><p id="p">Scripts are off.</p><script src="/say.js"></script><script type="module" src="/module.js"></script>`),
	"/contrast": document("Contrast", `<h1>Contrast</h1><p class="faint">Who can read this?</p>`),
	"/label":    document("Label", `<h1>Label</h1><form><input name="nameless"></form>`),
	"/tiny":     document("Tiny", `<h1>Tiny</h1><p><button class="tiny">a</button><button class="tiny">b</button></p>`),
	"/wide":     document("Wide", `<h1>Wide</h1><p class="wide">wide</p>`),
	"/inline":   document("Inline", `<h1>Inline</h1><script>document.title = "bad"</script>`),
	"/console":  document("Console", `<h1>Console</h1><script src="/complain.js"></script>`),
	"/throw":    document("Throw", `<h1>Throw</h1><script src="/throw.js"></script>`),
	"/missing":  document("Missing", `<h1>Missing</h1><img src="/nowhere.png" alt="" width="10" height="10">`),
	"/shift":    document("Shift", `<h1>Shift</h1><p>Something moves.</p><script src="/shift.js"></script>`),
	"/ringless": document("Ringless", `<h1>Ringless</h1><p><button class="ringless">Who is it?</button> <button>Me</button></p>`),
	"/covered":  document("Covered", `<h1>Covered</h1><button>Under</button><div id="over"></div><script src="/uncover.js"></script>`),
	"/heavy":    document("Heavy", `<h1>Heavy</h1><script src="/heavy.js"></script>`),
	"/restless": strings.Replace(document("Restless", `<h1>Restless</h1>`), "<head>", `<head><meta http-equiv="refresh" content="0">`, 1),
	"/alone":    strings.Replace(document("Alone", `<h1>Alone</h1><img src="/dot.svg" alt="">`), `<link rel="stylesheet" href="/style.css">`, "", 1),
}

var assets = map[string]string{
	"/style.css": `body { font: 17px sans-serif; color: #000; background: #fff } button, input, select { font: inherit; padding: 8px }
		.faint { color: #ddd } .tiny { font-size: 6px; padding: 0; width: 9px; height: 9px; border: 0 } .wide { width: 1500px }
		.ringless:focus { outline: none } #over { position: fixed; inset: 0; background: #fff8 }`,
	"/say.js":      `document.getElementById("p").textContent = "Scripts are on."`,
	"/module.js":   `document.title += "s"`,
	"/complain.js": `console.error("planted", 7)`,
	"/throw.js":    `throw new Error("planted")`,
	"/shift.js":    `setTimeout(() => { const d = document.createElement("div"); d.style.height = "200px"; document.querySelector("h1").before(d) }, 200)`,
	"/uncover.js":  `setTimeout(() => document.getElementById("over").remove(), 100); document.querySelector("button").onclick = () => document.title = "clicked"`,
	"/heavy.js":    "/*" + strings.Repeat("0123456789abcdef", 4<<10) + "*/",
	"/dot.svg":     `<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"><rect width="10" height="10"/></svg>`,
}

func document(title, body string) string {
	return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">` +
		`<link rel="icon" href="data:,"><link rel="stylesheet" href="/style.css"><title>` + title + `</title></head><body><main>` + body + `</main></body></html>`
}

// serve serves the pages to the test and to nobody else.
func serve(t *testing.T) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		kinds := map[string]string{"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
		if text, ok := assets[r.URL.Path]; ok {
			w.Header().Set("Content-Type", kinds[r.URL.Path[strings.LastIndex(r.URL.Path, ".")+1:]])
			fmt.Fprint(w, text)
			return
		}
		text, ok := pages[r.URL.Path]
		if r.URL.Path == "/echo" {
			who := "a stranger"
			if _, err := r.Cookie("seen"); err == nil {
				who = "a guest"
			}
			http.SetCookie(w, &http.Cookie{Name: "seen", Value: "before"})
			text, ok = document("Echo", "<h1>Echo</h1><p>"+html.EscapeString(r.Header.Get("Accept-Language")+" / "+who)+"</p>"), true
		}
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; form-action 'self'")
		fmt.Fprint(w, text)
	}))
	t.Cleanup(s.Close)
	return s.URL
}
