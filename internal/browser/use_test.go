package browser

import (
	"fmt"
	"image/png"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// TestAFanUsesAPage fills, chooses, ticks, clicks and goes back, on every device.
func TestAFanUsesAPage(t *testing.T) {
	t.Parallel()
	base := serve(t)
	for name, d := range map[string]Device{"phone": Phone, "desktop": Desktop, "no script": Phone.NoScript()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := New(t, base, d)
			b.Open("/good")
			b.Fill("City", "São Paulo")
			b.Fill("From", "2031-02-03")
			b.Fill("Order", "By name")
			b.Click("checkbox", "Free only")
			b.Click("button", "Sea…")
			b.See("Two events")
			b.SeeTitle("Found")
			if want := "/found?city=S%C3%A3o+Paulo&from=2031-02-03&sort=n&free=on"; b.Path() != want {
				t.Errorf("sent %s, want %s", b.Path(), want)
			}
			b.Check()
			b.Reload()
			b.See("Two events")
			b.Back()
			b.NotSee("Two events")
			b.SeePath("/good")
			b.Fill("City", "")
			b.Click("link", "All")
			b.SeePath("/found")
			if n := b.Count("link", "Again"); n != 1 || b.Count("button", "Search") != 0 {
				t.Errorf("%d links Again on %q", n, b.Text())
			}
		})
	}
}

func TestAFanUsesAPageWithTheKeyboard(t *testing.T) {
	t.Parallel()
	b := New(t, serve(t), Desktop)
	b.Open("/good")
	stops := b.TabStops()
	want := []string{`textbox "City"`, `Date "From"`, `combobox "Order"`, `checkbox "Free only"`, `button "Search"`, `link "All"`}
	if !slices.Equal(stops, want) {
		t.Errorf("stops %q, want %q", stops, want)
	}
	b.Reload()
	b.TabTo("textbox", "City")
	b.Type("Oslo")
	b.TabTo("combobox", "Order")
	b.Press("ArrowDown")
	b.TabTo("checkbox", "Free only")
	b.Press("Space", "Tab", "Shift+Tab")
	if got := b.Focused(); got != `checkbox "Free only"` {
		t.Errorf("focus on %s", got)
	}
	b.TabTo("button", "Search")
	b.Press("Enter")
	b.SeePath("/found?city=Oslo&from=&sort=n&free=on")
}

func TestScriptsAreOnOrOff(t *testing.T) {
	t.Parallel()
	base := serve(t)
	on, off := New(t, base, Phone), New(t, base, Phone.NoScript())
	on.Open("/script")
	on.See("Scripts are on.")
	off.Open("/script")
	off.See("Scripts are off.")
	off.Check() // axe-core needs scripts; the page gets none
	off.Reload()
	off.See("Scripts are off.")
}

// TestAPageThatRefreshesItselfIsReloadedAndLeft: at the moment in which it gives way to the next, the browser refuses to load any.
func TestAPageThatRefreshesItselfIsReloadedAndLeft(t *testing.T) {
	t.Parallel()
	b := New(t, serve(t), Phone.NoScript())
	b.Open("/restless")
	for range 20 {
		b.Reload()
	}
	for range 10 {
		b.Open("/restless")
		b.Open("/good") // the page may win, which refreshes itself sooner than any of ours does
	}
	for deadline := time.Now().Add(patience); b.Path() != "/good"; b.Open("/good") {
		if time.Now().After(deadline) {
			t.Fatalf("the page %s is not to be left", b.Path())
		}
	}
	b.See("Good")
}

func TestAServerThatIsGoneIsNotAskedAgain(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, document("Gone", "")) }))
	b := New(t, s.URL, Phone)
	b.Open("/")
	s.Close()
	if err := reload(b.ctx); err == nil || overtaken(err) {
		t.Errorf("reload: %v; that is an error and no page that went elsewhere", err)
	}
	b.Forgive("")
}

// TestFansAreStrangers: cookies are a fan's own and shared by his tabs.
func TestFansAreStrangers(t *testing.T) {
	t.Parallel()
	base := serve(t)
	first, second := New(t, base, Phone), New(t, base, Phone.Speaking("de"))
	first.Open("/echo")
	first.See("en / a stranger")
	second.Open("/echo")
	second.See("de / a stranger")
	tab := first.NewTab()
	tab.Open("/echo")
	tab.See("en / a guest")
}

func TestADeviceIsWhatItSays(t *testing.T) {
	t.Parallel()
	b := New(t, serve(t), Desktop.In("Asia/Tokyo").Calm().Dark().Speaking("fr-CA,fr;q=0.8"))
	b.Open("/good")
	got := Evaluate[string](b, `[innerWidth, devicePixelRatio, navigator.language, Intl.DateTimeFormat().resolvedOptions().timeZone,
		matchMedia("(prefers-reduced-motion: reduce)").matches, matchMedia("(prefers-color-scheme: dark)").matches].join(" ")`)
	if want := "1280 1 fr-CA Asia/Tokyo true true"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestAClickWaitsUntilNothingIsInItsWay(t *testing.T) {
	t.Parallel()
	b := New(t, serve(t), Desktop)
	b.Open("/covered")
	b.Click("button", "Under")
	b.SeeTitle("clicked")
}

func TestOfflineIsNotThePagesFault(t *testing.T) {
	t.Parallel()
	b := New(t, serve(t), Phone)
	b.Open("/good")
	b.Offline(true)
	if said := Evaluate[string](b, `fetch("/found").then(() => "answered", () => "failed")`); said != "failed" {
		t.Errorf("offline, a request %s", said)
	}
	b.Offline(false)
	b.Open("/found")
	b.See("Two events")
}

func TestScreenshotsAreTakenWhenAskedFor(t *testing.T) {
	folder := t.TempDir()
	t.Setenv(ScreensVariable, folder)
	b := New(t, serve(t), Phone)
	b.Open("/good")
	b.Screen("good")
	for name, width := range map[string]int{"good-360.png": 720, "good-1280.png": 1280} {
		file, err := os.Open(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = file.Close() }()
		config, err := png.DecodeConfig(file)
		if err != nil || config.Width != width || config.Height < 800*width/1280 {
			t.Errorf("%s is %d×%d: %v", name, config.Width, config.Height, err)
		}
		info, _ := file.Stat()
		t.Log(name, info.Size(), "bytes")
	}
	if got := Evaluate[int](b, `innerWidth`); got != 360 {
		t.Errorf("after the pictures the window is %d wide", got)
	}
	t.Setenv(ScreensVariable, "")
	b.Screen("unasked")
	if files, _ := filepath.Glob(filepath.Join(folder, "*")); len(files) != 2 {
		t.Errorf("pictures %q", files)
	}
}
