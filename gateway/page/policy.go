package page

import "strings"

// The policies of the pages: scripts, styles and connections from this site only, no script or style in the page unless its digest is named, no
// frames, no forms to elsewhere. Images may be data: favicons are drawn by scripts.
const policyHead = "default-src 'none'; connect-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "

// Policy is the content security policy of a page whose styles and scripts are assets. Pictures of events come from images too, an origin, unless
// that is empty.
func Policy(images string) string {
	head := policyHead
	if images != "" {
		head = strings.Replace(head, "img-src 'self'", "img-src 'self' "+images, 1)
	}
	return head + "style-src 'self'; script-src 'self'"
}

// StripeScript is where Stripe's script is, which must be loaded from there: https://docs.stripe.com/js/including.
const StripeScript = "https://js.stripe.com/v3/"

// CardPolicy is Policy for the one page with Stripe's card form: its script, its frames and its API are let in, as
// https://docs.stripe.com/security/guide#content-security-policy says. Another script than StripeScript, for tests, has all of that at its own origin.
func CardPolicy(images, script string) string {
	scripts, frames, calls := "https://*.js.stripe.com https://js.stripe.com", "https://*.js.stripe.com https://js.stripe.com https://hooks.stripe.com", "https://api.stripe.com"
	if script != StripeScript {
		origin := originOf(script)
		scripts, frames, calls = origin, origin, origin
	}
	return strings.Replace(Policy(images), "connect-src 'self'", "connect-src 'self' "+calls, 1) + " " + scripts + "; frame-src " + frames
}

// originOf is an address without its path.
func originOf(address string) string {
	scheme, rest, _ := strings.Cut(address, "://")
	host, _, _ := strings.Cut(rest, "/")
	return scheme + "://" + host
}

// RoomPolicy is that of the waiting room's page, which carries its style and its script: it must paint without a second request.
var RoomPolicy = policyHead + "style-src " + hashOf(joined(roomStyles)) + "; script-src " + hashOf(joined(roomScripts))

// What the waiting room's page carries; room.html names the same files.
var (
	roomStyles  = []string{"base.css", "room.css"}
	roomScripts = []string{"room.js"}
)
