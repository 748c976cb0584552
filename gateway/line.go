package gateway

import (
	"math"
	"strconv"
	"sync"
	"time"
	"unicode/utf8"

	"usher/waitroom"
)

// lineBuffers holds buffers for lines: 1 KiB holds one with a pass.
var lineBuffers = sync.Pool{New: func() any { b := make([]byte, 0, 1<<10); return &b }}

// answerLine writes a line by hand: a poll is answered millions of times, and reflection would be most of its cost.
func (s *Server) answerLine(c *call, status int, l *waitroom.Line) {
	if l.Pass != "" {
		s.setCookie(c, passCookie+l.Room.Room, l.Pass)
	}
	if l.Degraded {
		c.set("Usher-Degraded", "line-frozen")
	}
	c.out.SetCanonical(cacheName, privatelyValue)
	c.out.SetContentType(typeJSON)
	c.out.SetStatusCode(status)
	buf, _ := lineBuffers.Get().(*[]byte)
	*buf = appendLine((*buf)[:0], l)
	c.http.Response.SetBody(*buf)
	lineBuffers.Put(buf)
}

// appendLine appends the contract's Line. Room, run and tokens are of letters, digits and dashes: they need no escaping.
func appendLine(b []byte, l *waitroom.Line) []byte {
	b = append(b, `{"room":"`...)
	b = append(append(b, l.Room.Room...), `","run":"`...)
	b = append(append(b, l.Place.Run...), `","state":"`...)
	b = append(append(b, l.State...), `","room_state":"`...)
	b = append(append(b, l.Room.State...), `","number":`...)
	b = strconv.AppendInt(b, l.Place.Number, 10)
	b = appendUnless(append(b, `,"position":`...), l.Position == 0, l.Position)
	b = strconv.AppendInt(append(b, `,"watermark":`...), l.Room.Watermark, 10)
	b = strconv.AppendInt(append(b, `,"waiting":`...), int64(l.Room.Waiting), 10)
	b = appendEstimate(append(b, `,"estimate":`...), l.Estimate)
	b = appendString(append(b, `,"slower":`...), string(l.Slower))
	b = strconv.AppendInt(append(b, `,"poll_after_seconds":`...), int64(seconds(l.PollAfter)), 10)
	b = appendTime(append(b, `,"enter_before":`...), l.EnterBefore)
	b = appendTime(append(b, `,"joined_at":`...), l.Place.IssuedAt)
	b = appendTime(append(b, `,"updated_at":`...), l.UpdatedAt)
	b = appendString(append(b, `,"message":`...), l.Room.Message)
	b = appendUnless(append(b, `,"tickets_left":`...), l.TicketsLeft < 0, int64(l.TicketsLeft))
	b = appendOdds(append(b, `,"odds":`...), l.Odds)
	b = append(append(b, `,"place":"`...), l.Sealed...)
	b = appendString(append(b, `","pass":`...), l.Pass)
	return append(appendTime(append(b, `,"pass_expires_at":`...), l.PassExpiresAt), '}')
}

// appendUnless appends a number, or null.
func appendUnless(b []byte, null bool, n int64) []byte {
	if null {
		return append(b, `null`...)
	}
	return strconv.AppendInt(b, n, 10)
}

// appendEstimate appends whole seconds: down at the low end, up at the high one.
func appendEstimate(b []byte, e *waitroom.Estimate) []byte {
	if e == nil {
		return append(b, `null`...)
	}
	b = strconv.AppendInt(append(b, `{"low_seconds":`...), int64(max(0, e.Low)/time.Second), 10)
	b = strconv.AppendInt(append(b, `,"high_seconds":`...), int64(math.Ceil(max(0, e.High).Seconds())), 10)
	return append(b, '}')
}

// appendOdds appends what somebody may hope for, or null.
func appendOdds(b []byte, o waitroom.Odds) []byte {
	if o.Percent == 0 {
		return append(b, `null`...)
	}
	b = strconv.AppendInt(append(b, `{"percent":`...), int64(o.Percent), 10)
	b = strconv.AppendInt(append(b, `,"wanted_ahead":`...), int64(o.Wanted), 10)
	return append(b, '}')
}

// appendTime appends a time, or null for none.
func appendTime(b []byte, t time.Time) []byte {
	if t.IsZero() {
		return append(b, `null`...)
	}
	t = t.UTC()
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	if year < 1000 || year > 9999 {
		return append(b, `null`...)
	}
	b = append(b, '"', digit(year/1000), digit(year/100), digit(year/10), digit(year), '-', digit(int(month)/10), digit(int(month)), '-', digit(day/10), digit(day), 'T',
		digit(hour/10), digit(hour), ':', digit(minute/10), digit(minute), ':', digit(second/10), digit(second))
	if ms := t.Nanosecond() / 1_000_000; ms > 0 {
		b = append(b, '.', digit(ms/100), digit(ms/10), digit(ms))
		for b[len(b)-1] == '0' {
			b = b[:len(b)-1]
		}
	}
	return append(b, 'Z', '"')
}

// digit is the last decimal digit of n, which is not negative.
func digit(n int) byte { return byte('0' + n%10) }

const lowerHex = "0123456789abcdef"

// appendString appends a JSON string that is safe inside HTML, or null for "". Bytes that are no UTF-8 become U+FFFD.
func appendString(b []byte, s string) []byte {
	if s == "" {
		return append(b, `null`...)
	}
	b = append(b, '"')
	plain := 0 // where the bytes begin that can be copied as they are
	for i := 0; i < len(s); {
		r, size := rune(s[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRuneInString(s[i:])
		}
		if r >= ' ' && r != '"' && r != '\\' && r != '<' && r != '>' && r != '&' && r != 0x2028 && r != 0x2029 && (r != utf8.RuneError || size > 1) {
			i += size
			continue
		}
		b = append(b, s[plain:i]...)
		b = append(b, '\\', 'u', lowerHex[r>>12&15], lowerHex[r>>8&15], lowerHex[r>>4&15], lowerHex[r&15])
		i += size
		plain = i
	}
	return append(append(b, s[plain:]...), '"')
}
