package listing

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/currency"
	"golang.org/x/text/language"
)

// amount is a sum of money as it is written: what its minor unit is depends on the currency.
type amount struct{ whole, fraction string } // digits

// signs are what people write for currencies. An empty one is several countries' and stands for that of the country.
var signs = map[string]string{
	"€": "EUR", "euro": "EUR", "euros": "EUR", "£": "GBP", "₹": "INR", "₩": "KRW", "₺": "TRY", "tl": "TRY", "₪": "ILS", "₽": "RUB", "₴": "UAH", "฿": "THB",
	"₫": "VND", "₱": "PHP", "₦": "NGN", "zł": "PLN", "kč": "CZK", "ft": "HUF", "lei": "RON", "r$": "BRL", "us$": "USD", "ca$": "CAD", "c$": "CAD",
	"a$": "AUD", "au$": "AUD", "nz$": "NZD", "hk$": "HKD", "s$": "SGD", "mx$": "MXN", "$": "", "¥": "", "kr": "", "fr": "", "rs": "", "r": "",
}

// fillers are words that stand around amounts and say nothing; nothings are those that mean that there is nothing to pay.
var (
	fillers  = []string{"from", "ab", "bis", "to", "up", "starting", "at", "desde", "dès", "à", "partir", "de", "da", "vanaf", "fra", "od", "a", "each", "and", "or"}
	nothings = []string{"free", "gratis", "kostenlos", "gratuit", "gratuito", "frei", "0"}
)

// maxAmounts bounds the prices of one event.
const maxAmounts = 50

var errAmount = errors.New("no amount such as 25, 25.50 or 25,50 €")

// parseAmounts reads what a text says of prices: one amount, a range, or several, and the currency if one is named.
func parseAmounts(s string) (list []amount, code string, err error) {
	wrong := fmt.Errorf("price %.60q is %w", s, errAmount)
	text := strings.ToLower(line(clip(s, maxName)))
	for rest := text; rest != ""; {
		if len(rest) > 1 && rest[0] == '-' && digit(rest[1]) && len(list) == 0 {
			return nil, "", wrong // below nothing
		}
		n := numberLength(rest)
		if n > 0 {
			a, ok := parseNumber(rest[:n])
			if !ok || len(list) == maxAmounts {
				return nil, "", wrong
			}
			list, rest = append(list, a), rest[n:]
			continue
		}
		n = wordLength(rest)
		word := strings.Trim(rest[:n], ".:,;()")
		rest = rest[n:]
		switch named, isSign := signs[word]; {
		case strings.Trim(word, " -–—/|+~") == "" || slices.Contains(fillers, word):
		case slices.Contains(nothings, word):
			list = append(list, amount{"0", ""})
		case isSign:
			if code == "" {
				code = named
			}
		default:
			unit, err := currency.ParseISO(word)
			if err != nil {
				return nil, "", wrong
			}
			code = unit.String()
		}
	}
	if len(list) == 0 {
		return nil, "", wrong
	}
	return list, code, nil
}

// numberLength is how many bytes at the beginning are one number: digits, with separators between them. A blank or an apostrophe parts thousands, so three
// digits follow it.
func numberLength(s string) (n int) {
	for n < len(s) {
		between := 0
		switch rest := s[n:]; {
		case digit(rest[0]):
			n++
			continue
		case n == 0:
			return 0
		case (rest[0] == '.' || rest[0] == ',') && len(rest) > 1 && digit(rest[1]), (rest[0] == ' ' || rest[0] == '\'') && threeDigits(rest[1:]):
			between = 1
		case strings.HasPrefix(rest, "’") && threeDigits(rest[len("’"):]):
			between = len("’")
		}
		if between == 0 {
			return n
		}
		n += between
	}
	return n
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

func threeDigits(s string) bool {
	n := strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' })
	return n == 3 || n < 0 && len(s) == 3
}

// wordLength is how many bytes at the beginning are one word, sign or run of punctuation.
func wordLength(s string) int {
	end := strings.IndexFunc(s, func(r rune) bool { return unicode.IsDigit(r) || r == ' ' || strings.ContainsRune("-–—/|", r) })
	switch {
	case end < 0:
		return len(s)
	case end == 0:
		_, size := utf8.DecodeRuneInString(s)
		return size
	}
	return end
}

// parseNumber reads digits with separators. The last one parts the decimals, unless it stands alone before exactly three digits or comes more than once.
func parseNumber(s string) (a amount, ok bool) {
	s = strings.NewReplacer(" ", "", "'", "", "’", "").Replace(s)
	last := strings.LastIndexAny(s, ".,")
	if last < 0 {
		return newAmount(s, "")
	}
	mark, whole, fraction := s[last:last+1], s[:last], s[last+1:]
	other := strings.ContainsAny(whole, strings.Trim(".,", mark))
	if strings.Contains(whole, mark) || !other && len(fraction) == 3 && whole != "0" {
		whole, fraction = whole+fraction, "" // all of them part thousands
	}
	return newAmount(strings.NewReplacer(".", "", ",", "").Replace(whole), fraction)
}

// parseDecimal reads a number of JSON, in which a point is a point.
func parseDecimal(s string) (a amount, ok bool) {
	if strings.ContainsAny(s, "eE") {
		n, err := strconv.ParseFloat(s, 64)
		if err != nil {
			return a, false
		}
		s = strconv.FormatFloat(n, 'f', -1, 64)
	}
	whole, fraction, _ := strings.Cut(s, ".")
	return newAmount(whole, fraction)
}

func newAmount(whole, fraction string) (amount, bool) {
	const maxDigits = 10
	whole = strings.TrimLeft(whole, "0")
	ok := len(whole) <= maxDigits && strings.Trim(whole+fraction, "0123456789") == ""
	return amount{whole, fraction}, ok
}

// minor is the amount in minor units of so many digits, rounded half up: 24.990000000000002 occurs.
func (a amount) minor(digits int) (int, error) {
	more := a.fraction + strings.Repeat("0", digits+1)
	n, err := strconv.Atoi("0" + a.whole + more[:digits])
	if err == nil && more[digits] >= '5' {
		n++
	}
	if err != nil || n > math.MaxInt32/8 {
		return 0, fmt.Errorf("price %s is too high", a.whole)
	}
	return n, nil
}

// offer is one price of a page, or several, in one currency.
type offer struct {
	amounts  []amount
	currency string // ISO 4217; empty: that of the country
}

// parseCurrency reads what stands in a field of its own. Empty is none.
func parseCurrency(s string) (code string, err error) {
	s = line(clip(s, maxName))
	if named, ok := signs[strings.ToLower(s)]; ok || s == "" {
		return named, nil
	}
	unit, err := currency.ParseISO(s)
	if err != nil {
		return "", fmt.Errorf("currency %.40q is not of ISO 4217, such as EUR", s)
	}
	return unit.String(), nil
}

// countryCurrency is the money of a country, "" when it is not known.
func (r *Reader) countryCurrency(country string) string {
	if m, ok := r.money[country]; ok {
		return m.Currency
	}
	region, err := language.ParseRegion(country)
	if err != nil {
		return ""
	}
	unit, ok := currency.FromRegion(region)
	if !ok {
		return ""
	}
	return unit.String()
}

// prices are the distinct prices of the offers in one currency, the dearest first.
func (r *Reader) prices(offers []offer, country string) (code string, list []int, err error) {
	own := r.countryCurrency(country)
	for i := range offers {
		if offers[i].currency == "" {
			offers[i].currency = own
		}
		if code == "" || offers[i].currency == own {
			code = offers[i].currency
		}
	}
	if len(offers) == 0 {
		return "", nil, errors.New("no price: name one in offers (in a table: price), or give --price")
	}
	unit, err := currency.ParseISO(code)
	if err != nil {
		return "", nil, fmt.Errorf("the currency is not known: give priceCurrency (in a table: currency), such as EUR")
	}
	digits, _ := currency.Standard.Rounding(unit)
	for _, o := range offers {
		if o.currency != code {
			continue
		}
		for _, a := range o.amounts {
			n, err := a.minor(digits)
			if err != nil {
				return "", nil, err
			}
			list = append(list, n)
		}
	}
	slices.Sort(list)
	list = slices.Compact(list)
	slices.Reverse(list)
	return code, list, nil
}
