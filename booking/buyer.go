package booking

import (
	"errors"
	"net/mail"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Why somebody cannot be a buyer.
var (
	ErrBuyerName  = errors.New("the name is not 1 to 100 printable characters")
	ErrBuyerEmail = errors.New("the e-mail is not an address such as name@example.org")
)

const (
	maxBuyerName  = 100 // characters
	maxBuyerEmail = 254 // bytes, as RFC 5321 bounds a path
)

// Buyer is who buys: the name on the ticket, and an address for news about the event.
type Buyer struct{ Name, Email string }

// NewBuyer checks and trims what somebody typed. It returns what is good of it together with ErrBuyerName, ErrBuyerEmail, or both joined.
func NewBuyer(name, email string) (b Buyer, err error) {
	if name = strings.TrimSpace(name); isName(name) {
		b.Name = name
	} else {
		err = ErrBuyerName
	}
	if email = strings.TrimSpace(email); isAddress(email) {
		b.Email = email
	} else {
		err = errors.Join(err, ErrBuyerEmail)
	}
	return b, err
}

// isName reports whether text is well-formed, can be seen, and has nothing that does not print or that turns the direction of what follows.
// The two joiners do not print either, but Persian, Hindi and others cannot be spelt without them.
func isName(s string) bool {
	const joiner, nonJoiner = '\u200d', '\u200c'
	unprinted := func(r rune) bool { return !unicode.IsGraphic(r) && r != joiner && r != nonJoiner }
	return utf8.ValidString(s) && utf8.RuneCountInString(s) <= maxBuyerName && !strings.ContainsFunc(s, unprinted) && strings.ContainsFunc(s, isInk)
}

// isInk reports whether a character leaves something on paper: no blank of any kind, and nothing invisible.
func isInk(r rune) bool {
	return unicode.IsGraphic(r) && !unicode.IsSpace(r) && !unicode.Is(unicode.Zs, r)
}

// isAddress reports whether text is one bare address (RFC 5322, UTF-8 allowed) whose domain has a dot: nobody's tickets go to a host of ours.
func isAddress(s string) bool {
	if len(s) > maxBuyerEmail || !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return !isInk(r) }) {
		return false
	}
	a, err := mail.ParseAddress(s)
	if err != nil || a.Address != s {
		return false
	}
	domain := s[strings.LastIndexByte(s, '@')+1:]
	foreign := func(r rune) bool { return r != '-' && r != '.' && !unicode.In(r, unicode.L, unicode.M, unicode.Nd) }
	return strings.Contains(strings.Trim(domain, "."), ".") && !strings.Contains(domain, "..") && !strings.HasSuffix(domain, ".") && !strings.ContainsFunc(domain, foreign)
}
