package waitroom

import (
	"encoding/binary"
	"errors"
	"time"
)

const (
	newsVersion = 1
	newsMost    = 4 << 20 // bytes: four a number, and all that may be told at once
	nameMost    = 64
	lastsMost   = time.Hour // a poll speaks for nobody longer: half an hour is the most that rules can make of it
	numberMost  = int64(1) << 32
)

var errNews = errors.New("the news are not of a gateway of this release")

// news is what a gateway tells the others: a version, its name, its turn twice with 1 for the last, then for each class seconds, a count, and the
// distances of its numbers, as variable-length integers.
type news struct {
	gateway string
	turn    int64 // how often it has told something before
	bye     bool  // it tells nothing more
	here    []spoken
}

// spoken is for whom a gateway speaks, and how long; zero: they have left.
type spoken struct {
	lasts   time.Duration // whole seconds
	numbers []int64       // in order
}

func (n news) bytes() []byte {
	b := append([]byte{newsVersion, byte(len(n.gateway))}, n.gateway...)
	turn := uint64(n.turn) << 1
	if n.bye {
		turn |= 1
	}
	b = binary.AppendUvarint(b, turn)
	for _, s := range n.here {
		b = binary.AppendUvarint(b, uint64(s.lasts/time.Second))
		b = binary.AppendUvarint(b, uint64(len(s.numbers)))
		last := int64(-1)
		for _, number := range s.numbers {
			b = binary.AppendUvarint(b, uint64(number-last))
			last = number
		}
	}
	return b
}

// parseNews reads news. errNews.
func parseNews(b []byte) (n news, err error) {
	if len(b) < 2 || len(b) > newsMost || b[0] != newsVersion || b[1] == 0 || b[1] > nameMost || len(b) < 2+int(b[1]) {
		return n, errNews
	}
	n.gateway, b = string(b[2:2+int(b[1])]), b[2+int(b[1]):]
	next := func(most int64) int64 {
		value, size := binary.Uvarint(b)
		if size <= 0 || value > uint64(most) {
			err, b = errNews, nil
			return 0
		}
		b = b[size:]
		return int64(value)
	}
	turn := next(1 << 60)
	n.turn, n.bye = turn>>1, turn&1 == 1
	for len(b) > 0 {
		s := spoken{lasts: time.Duration(next(int64(lastsMost/time.Second))) * time.Second}
		count := next(int64(len(b)))
		if err == nil {
			s.numbers = make([]int64, 0, count)
		}
		for last := int64(-1); count > 0 && err == nil; count-- {
			distance := next(numberMost)
			if last += distance; distance == 0 || last >= numberMost {
				err = errNews
			}
			s.numbers = append(s.numbers, last)
		}
		if err != nil {
			return news{}, err
		}
		n.here = append(n.here, s)
	}
	return n, err
}
