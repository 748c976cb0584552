package lang

import (
	"strconv"
	"strings"
	"time"

	"github.com/bojanz/currency"
)

// Number writes a whole number.
func (l *Lang) Number(n int64) string {
	text := l.locale.FmtNumber(float64(n), 0)
	if l.Tag == "ar" { // its digits are those of Europe, and so are its separators
		text = strings.ReplaceAll(text, "٬", ",")
	}
	return text
}

// Money writes an amount of minor units of an ISO 4217 currency; an unknown currency is written as it is.
func (l *Lang) Money(minor int64, code string) string {
	amount, err := currency.NewAmountFromInt64(minor, code)
	if err != nil {
		return strconv.FormatInt(minor, 10) + " " + code
	}
	return l.money.Format(amount)
}

// Symbol is how Money writes a currency. Scripts take it from the page, for browsers have symbols of their own.
func (l *Lang) Symbol(code string) string {
	symbol, _ := currency.GetSymbol(code, currency.NewLocale(l.Tag))
	return symbol
}

// Date writes the day of t in t's own zone with its weekday: "Friday, June 12, 2026".
func (l *Lang) Date(t time.Time) string { return l.locale.FmtDateFull(t) }

// ShortDate writes the day of t in t's own zone: "Jun 12, 2026".
func (l *Lang) ShortDate(t time.Time) string { return l.locale.FmtDateMedium(t) }

// Clock writes the time of day of t in t's own zone: "19:30", "7:30 PM". Where the locales' tables are older than those of browsers it
// writes as these do: a page has times from both.
func (l *Lang) Clock(t time.Time) string {
	switch {
	case l.Tag == "en":
		return t.Format("3:04 PM")
	case l.Tag == "zh-Hans":
		return t.Format("15:04")
	case l.Tag == "ko" && t.Hour() < 12:
		return t.Format("오전 3:04")
	case l.Tag == "ko":
		return t.Format("오후 3:04")
	}
	return l.locale.FmtTimeShort(t)
}

// Moment writes day and time of t in t's own zone: "Friday, June 12, 2026, 7:30 PM".
func (l *Lang) Moment(t time.Time) string {
	between := ", "
	switch l.Tag {
	case "ar":
		between = "، "
	case "zh-Hans", "ja", "ko":
		between = " "
	}
	return l.Date(t) + between + l.Clock(t)
}

// MomentZone is Moment with the zone, for those who may be in another one.
func (l *Lang) MomentZone(t time.Time) string { return l.Moment(t) + " " + t.Format("MST") }

// ClockZone is Clock with the zone, for those who may be in another one.
func (l *Lang) ClockZone(t time.Time) string { return l.Clock(t) + " " + t.Format("MST") }

// Weekday writes the day of the week of t, short.
func (l *Lang) Weekday(t time.Time) string { return l.locale.WeekdayAbbreviated(t.Weekday()) }

// LongMonth writes the month of t: "June".
func (l *Lang) LongMonth(t time.Time) string { return l.locale.MonthWide(t.Month()) }

// Month writes the month of t, short.
func (l *Lang) Month(t time.Time) string { return l.locale.MonthAbbreviated(t.Month()) }

// Duration writes how long something takes, as exactly as people want it: seconds below a minute, minutes below an hour, then hours and
// minutes. Halves are rounded up; below a second it is one second.
func (l *Lang) Duration(d time.Duration) string {
	switch {
	case d < time.Minute:
		return l.N("unit.second", max(1, int((d+time.Second-1)/time.Second)))
	case d < time.Hour:
		return l.N("unit.minute", int((d+30*time.Second)/time.Minute))
	}
	minutes := int((d + 30*time.Second) / time.Minute)
	hours := l.N("unit.hour", minutes/60)
	if minutes%60 == 0 {
		return hours
	}
	return l.T("unit.and", "a", hours, "b", l.N("unit.minute", minutes%60))
}

// Between writes a range of time: "between 3 minutes and 6 minutes", or one duration where both are written alike.
func (l *Lang) Between(low, high time.Duration) string {
	if low < 10*time.Second && high <= time.Minute {
		return l.T("unit.under", "a", l.Duration(max(high, 10*time.Second)))
	}
	a, b := l.Duration(max(low, 0)), l.Duration(high)
	if a == b {
		return l.T("unit.about", "a", a)
	}
	return l.T("unit.between", "a", a, "b", b)
}
