package catalog

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strings"

	"usher/internal/id"
)

// PageSeats is how many tickets a view lists at most.
const PageSeats = 2000

const cursorMAC = 12 // bytes: nobody gains from a forged one, it must only be refused

// sealCursor writes a cursor to the tickets that begin with the given seat.
func sealCursor(key []byte, e id.Event, seat int) string {
	b := binary.BigEndian.AppendUint32(make([]byte, 0, 4+sha256.Size), uint32(seat))
	return base64.RawURLEncoding.EncodeToString(append(b, cursorSum(key, e, b)...))
}

// openCursor returns the seat that a cursor stands for. Only the start of a page of the event is taken, so that the pages in memory are
// as few as the event has. ErrBadCursor.
func openCursor(key []byte, e id.Event, capacity int, cursor string) (seat int, err error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil || strings.ContainsAny(cursor, "\r\n") || len(b) != 4+cursorMAC || !hmac.Equal(b[4:], cursorSum(key, e, b[:4])) {
		return 0, ErrBadCursor
	}
	seat = int(binary.BigEndian.Uint32(b))
	if seat >= capacity || seat%PageSeats != 0 {
		return 0, ErrBadCursor
	}
	return seat, nil
}

func cursorSum(key []byte, e id.Event, seat []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte("tickets cursor " + e.String()))
	h.Write(seat)
	return h.Sum(nil)[:cursorMAC]
}
