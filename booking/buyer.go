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
	if name = strings.TrimSpace(name); plain(name) && utf8.RuneCountInString(name) <= maxBuyerName {
		b.Name = name
	} else {
		err = ErrBuyerName
	}
	if email = strings.TrimSpace(email); plain(email) && isAddress(email) {
		b.Email = email
	} else {
		err = errors.Join(err, ErrBuyerEmail)
	}
	return b, err
}

// plain reports whether text is there, well-formed, and without anything that does not print or turns the direction of what follows.
func plain(s string) bool {
	return s != "" && utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) })
}

// isAddress reports whether text is one bare address (RFC 5322, UTF-8 allowed) whose domain has a dot: nobody's tickets go to a host of ours.
func isAddress(s string) bool {
	a, err := mail.ParseAddress(s)
	if err != nil || a.Address != s || len(s) > maxBuyerEmail {
		return false
	}
	domain := s[strings.LastIndexByte(s, '@')+1:]
	return strings.Contains(strings.Trim(domain, "."), ".") && !strings.Contains(domain, "..") && !strings.HasSuffix(domain, ".") && !strings.HasPrefix(domain, "[")
}
