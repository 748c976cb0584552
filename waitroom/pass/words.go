package pass

import (
	"errors"
	"time"

	"usher/internal/id"
)

// Claims is what a pass says: one room, one visitor, a short time.
type Claims struct {
	Room      string // aud
	Visitor   id.Visitor
	JTI       string
	Number    int64
	Run       string
	IssuedAt  time.Time
	ExpiresAt time.Time
}

// Answers of Verify that are not faults.
var (
	ErrInvalid   = errors.New("the pass is not valid")
	ErrExpired   = errors.New("the pass has expired")
	ErrWrongRoom = errors.New("the pass is for another room")
)
