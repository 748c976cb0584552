package lang

import (
	"strconv"
	"time"

	"github.com/bojanz/currency"
)

// Number writes a whole number.
func (l *Lang) Number(n int64) string { return l.locale.FmtNumber(float64(n), 0) }

// Money writes an amount of minor units of an ISO 4217 currency; an unknown currency is written as it is.
func (l *Lang) Money(minor int64, code string) string {
	amount, err := currency.NewAmountFromInt64(minor, code)
	if err != nil {
		return strconv.FormatInt(minor, 10) + " " + code
	}
	return l.money.Format(amount)
}

// Date writes the day of t in t's own zone with its weekday: "Friday, June 12, 2026".
func (l *Lang) Date(t time.Time) string { return l.locale.FmtDateFull(t) }

// ShortDate writes the day of t in t's own zone: "Jun 12, 2026".
func (l *Lang) ShortDate(t time.Time) string { return l.locale.FmtDateMedium(t) }

// Clock writes the time of day of t in t's own zone: "19:30", "7:30 pm".
func (l *Lang) Clock(t time.Time) string { return l.locale.FmtTimeShort(t) }

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
