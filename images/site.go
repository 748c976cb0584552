package images

import (
	"fmt"
	"net/url"
	"strings"
)

// Site says at which addresses pictures are found.
type Site struct {
	public string // of the gateways, without a slash at its end
	cdn    string // of the store, or of what stands before it, the same way; empty: gateways serve pictures
	origin string // of cdn
}

// NewSite returns the addresses of a site whose gateways are reached at public, and whose pictures at cdn, unless that is empty.
func NewSite(public, cdn string) (Site, error) {
	s := Site{public: strings.TrimRight(public, "/")}
	if cdn == "" {
		return s, nil
	}
	u, err := url.Parse(cdn)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || !plainHost(u.Host) || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return s, fmt.Errorf("%.100q is no address such as https://cdn.example.com/usher: want http or https, a host, maybe a port and a path", cdn)
	}
	s.origin = u.Scheme + "://" + u.Host
	s.cdn = strings.TrimRight(s.origin+u.EscapedPath(), "/")
	return s, nil
}

// plainHost reports whether a host can stand in a content security policy as it is.
func plainHost(host string) bool {
	return host != "" && !strings.ContainsFunc(host, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune(".-:[]", r)
	})
}

// URL is the whole address of an event's picture, for those who are not on our pages. A picture elsewhere has the address that was imported,
// whatever the variant.
func (s Site) URL(stored string, v Variant) string {
	d, ok := ours(stored)
	switch {
	case !ok:
		return stored
	case s.cdn != "":
		return s.cdn + "/" + Name{d, v}.String()
	}
	return s.public + Path + Name{d, v}.String()
}

// Link is the address of an event's picture for our own pages. It is empty for a picture elsewhere: pages load nothing from hosts that an import
// has named.
func (s Site) Link(stored string, v Variant) string {
	d, ok := ours(stored)
	switch {
	case !ok:
		return ""
	case s.cdn != "":
		return s.cdn + "/" + Name{d, v}.String()
	}
	return Path + Name{d, v}.String()
}

// Origin is what pages load pictures from beside their own site, as a content security policy names it; empty: nothing.
func (s Site) Origin() string { return s.origin }
