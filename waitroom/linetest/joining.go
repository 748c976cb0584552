package linetest

import (
	"sync"
	"time"

	"usher/waitroom"
)

func numbersGoInOrderOfArrival(s *scene) {
	for n := range 50 {
		j := s.show(n, -1)
		s.want(j.Number == int64(n) && j.First && j.JTI == "", "fan %d got %+v", n, j)
	}
	for n := range 50 {
		j := s.show(n, -1)
		s.want(j.Number == int64(n) && !j.First, "fan %d, joining again, got %+v", n, j)
	}
	w := s.watch()
	s.want(w.Waiting == 50 && w.Next == 50, "%d wait and the next number is %d; want 50, 50", w.Waiting, w.Next)
}

// aThousandJoinsOfOneVisitor go through at once, in between others.
func aThousandJoinsOfOneVisitor(s *scene) {
	var mu sync.Mutex // guards got
	got := map[int]map[int64]int{}
	var wg sync.WaitGroup
	for i := range 1020 {
		n := 0 // one visitor, and now and then another
		if i%51 == 50 {
			n = i
		}
		wg.Go(func() {
			j, err := s.Join(s.ctx, s.Key, fan(n), -1)
			if err != nil {
				j.Number = -1
			}
			mu.Lock()
			defer mu.Unlock()
			if got[n] == nil {
				got[n] = map[int64]int{}
			}
			got[n][j.Number]++
		})
	}
	wg.Wait()
	owner := map[int64]int{}
	for n, numbers := range got {
		s.want(len(numbers) == 1, "fan %d got the numbers %v", n, numbers)
		for number := range numbers {
			other, taken := owner[number]
			s.want(!taken && number >= 0 && number < 21, "fans %d and %d got number %d of 21", n, other, number)
			owner[number] = n
		}
	}
}

func aSpentBlockGivesNoNumber(s *scene) {
	for n := range firstBlock {
		s.join(n)
	}
	_, err := s.Join(s.ctx, s.Key, fan(firstBlock), -1)
	s.answers(err, waitroom.ErrBlockSpent, "beyond the block")
	s.want(s.join(3) == 3, "who has a number lost it with the block")
	s.must(s.Grow(s.ctx, s.Key, 1, firstBlock+1))
	s.must(s.Grow(s.ctx, s.Key, 1, 1)) // a gateway that was slow takes nothing back
	s.want(s.join(firstBlock) == firstBlock, "the number after the block is not the first of the next")
	_, err = s.Join(s.ctx, s.Key, fan(firstBlock+1), -1)
	s.answers(err, waitroom.ErrBlockSpent, "beyond the second block")
}

func aPlaceOfBeforeALossIsKept(s *scene) {
	s.crowd(10)
	s.lose()
	s.restore(remembered(0, 10))
	for range 2 {
		j := s.show(7, 7)
		s.want(j.Number == 7 && !j.First, "who shows his place 7 got %+v", j)
	}
	s.want(s.show(20, -1).Number == firstBlock, "a newcomer did not get the first number of the fresh block")
	s.want(s.show(3, -1).Number == firstBlock+1, "who shows no place is a newcomer")
	s.want(s.show(3, 4000).Number == firstBlock+1, "who is in the line gave up his number for a newer one")
}

// aPlaceOfBeforeALossCountsBesideANewerOne: a join without it, which a second tab has sent or which has come late, takes nobody's place away; and
// nobody has two.
func aPlaceOfBeforeALossCountsBesideANewerOne(s *scene) {
	s.crowd(10)
	s.lose()
	s.restore(remembered(0, 10))
	for n := range 3 {
		s.want(s.join(n) == firstBlock+int64(n), "fan %d shows no place, and is not last", n)
	}
	s.want(s.show(0, 0).Number == 0 && s.join(0) == 0, "fan 0 did not get the place back that he shows")
	w := s.watch()
	s.want(w.Waiting == 12, "ten and the two with a newer number wait: %+v", w)
	s.call(rules(4))
	for n := range 2 {
		s.enter(n, 4) // 1 without asking for it
	}
	w = s.call(rules(100))
	s.want(w.Watermark == firstBlock+3 && w.Waiting == 0, "everybody is called: %+v", w)
	s.pass(time.Second)
	for _, n := range []int{0, 1} {
		_, err := s.Leave(s.ctx, s.Key, fan(n), int64(n), "")
		s.must(err)
	}
	s.pass(waitroom.Linger)
	for _, n := range []int{0, 1} {
		_, err := s.try(n, firstBlock+int64(n), 100)
		s.answers(err, waitroom.ErrGraceOver, "fan %d, who has been inside, with his newer number", n)
	}
	s.enter(2, 100)
	_, err := s.try(2, firstBlock+2, 100)
	s.want(err != nil, "fan 2 entered with both")
}

// aBlockIsOfItsIncarnation: a gateway that reserved it before the line was lost, or for a line that somebody else has recovered, changes nothing.
func aBlockIsOfItsIncarnation(s *scene) {
	for n := range firstBlock {
		s.join(n)
	}
	spent := func(incarnation int64, when string) {
		s.must(s.Grow(s.ctx, s.Key, incarnation, 9*firstBlock))
		_, err := s.Join(s.ctx, s.Key, fan(9*firstBlock), -1)
		s.answers(err, waitroom.ErrBlockSpent, "%s, a block of incarnation %d", when, incarnation)
	}
	spent(0, "in the first incarnation")
	spent(2, "in the first incarnation")
	s.lose()
	s.restore(waitroom.Memory{Incarnation: 2, Next: firstBlock, BlockEnd: firstBlock, Limit: firstBlock})
	spent(1, "in the second incarnation")
	s.must(s.Grow(s.ctx, s.Key, 2, firstBlock+1))
	s.want(s.join(9*firstBlock) == firstBlock, "its own block gives no number")
}
