package pgledger

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"testing"
	"time"

	"usher/internal/id"
	"usher/waitroom"
	"usher/waitroom/memledger"
)

// The ledger in memory, which the simulation runs on, says what the statements do, whatever is done to both.
func TestTheLedgerInPostgresAgreesWithTheLedgerInMemory(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			t.Parallel()
			if err := agree(t, seed, false); err != nil {
				t.Error(err)
			}
		})
	}
}

// Control: a ledger that records no end does not agree.
func TestControlALedgerThatForgetsEndsDoesNotAgree(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		if agree(t, seed, true) != nil {
			return
		}
	}
	t.Error("it agrees")
}

// forgetful is a ledger that records no end.
type forgetful struct{ waitroom.Ledger }

func (forgetful) Done(context.Context, waitroom.RunKey, waitroom.Admission) (int64, error) {
	return 0, nil
}

// agree does the same to both ledgers, drawn from a seed, and returns the first step at which they answer differently.
func agree(t *testing.T, seed uint64, forgets bool) (err error) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 1))
	var passed time.Duration
	inPostgres := open(t)
	var inMemory waitroom.Ledger = memledger.New(func() time.Time { return time.Now().Add(passed) })
	if forgets {
		inMemory = forgetful{inMemory}
	}
	ctx, jtis := t.Context(), 0
	var admitted []waitroom.Admission
	var incarnation int64
	words := []error{nil, waitroom.ErrLost, waitroom.ErrRecovering, waitroom.ErrPlaceUsed}
	same := func(what string, do func(waitroom.Ledger) (any, error)) (answer any, word error) {
		t.Helper()
		of := func(l waitroom.Ledger) (any, error) {
			answer, e := do(l)
			at := slices.IndexFunc(words, func(w error) bool { return errors.Is(e, w) })
			if at < 0 {
				t.Fatalf("seed %d: %s: %v", seed, what, e)
			}
			return answer, words[at]
		}
		answer, word = of(inPostgres)
		if other, otherWord := of(inMemory); word != otherWord || word == nil && !reflect.DeepEqual(answer, other) {
			err = fmt.Errorf("seed %d: %s: Postgres answers %+v, %v; memory %+v, %v", seed, what, answer, word, other, otherWord)
		}
		return answer, word
	}
	pass := func(d time.Duration) { // what stands in Postgres grows older
		passed += d
		exec(t, inPostgres, "UPDATE line_runs SET recovered_at = recovered_at - $1::interval", d)
		exec(t, inPostgres, "UPDATE admissions SET entered_at = entered_at - $1::interval, expires_at = expires_at - $1::interval", d)
	}
	for step := 0; step < 150 && err == nil; step++ {
		of := incarnation - int64(r.IntN(8)/7)
		switch roll := r.IntN(100); {
		case roll < 15:
			issued := r.Int64N(3000)
			answer, word := same("recover", func(l waitroom.Ledger) (any, error) {
				m, err := l.Recover(ctx, run, issued, 500)
				m.Holes, m.Used, m.Sessions = append([]waitroom.Hole{}, m.Holes...), append([]int64{}, m.Used...), append([]waitroom.Admission{}, m.Sessions...)
				for i := range m.Sessions { // times have been moved in one, and the clock in the other
					m.Sessions[i].Entered, m.Sessions[i].Expires, m.Sessions[i].Incarnation = time.Time{}, time.Time{}, 0
				}
				return m, err
			})
			if m, ok := answer.(waitroom.Memory); ok && word == nil {
				incarnation = m.Incarnation
			}
			pass(time.Duration(r.IntN(2)) * 30 * time.Second)
		case roll < 30:
			want := r.Int64N(5000)
			same("reserve", func(l waitroom.Ledger) (any, error) { return l.Reserve(ctx, run, of, want) })
		case roll < 45:
			issued, ceiling := r.Int64N(3000), r.Int64N(3000)
			same("note", func(l waitroom.Ledger) (any, error) { return nil, l.Note(ctx, run, of, issued, ceiling) })
		case roll < 70:
			a := admissionOf(r.Int64N(40), of)
			jtis++
			a.JTI = "jti-" + strconv.Itoa(jtis)
			a.Expires = time.Now().Add(time.Duration(10+15*r.IntN(8)) * time.Second).UTC().Truncate(time.Millisecond)
			if len(admitted) > 0 && r.IntN(3) == 0 {
				old := admitted[r.IntN(len(admitted))]
				a.Number, a.JTI, a.Visitor = old.Number, old.JTI, old.Visitor
			}
			admitted = append(admitted, a)
			same(fmt.Sprintf("admit %+v", a), func(l waitroom.Ledger) (any, error) {
				if l == inMemory {
					a := a
					a.Entered, a.Expires = a.Entered.Add(passed), a.Expires.Add(passed)
					return nil, l.Admit(ctx, run, a)
				}
				return nil, l.Admit(ctx, run, a)
			})
		case roll < 90 && len(admitted) > 0:
			a := admitted[r.IntN(len(admitted))]
			switch r.IntN(6) {
			case 0, 1:
				a.Number = -1
			case 2:
				a.JTI = "jti-of-nobody"
			case 3:
				a.Visitor = id.Visitor{3}
			}
			same(fmt.Sprintf("done %+v", a), func(l waitroom.Ledger) (any, error) { return l.Done(ctx, run, a) })
		default:
			pass(time.Duration(r.IntN(40)) * time.Second)
		}
	}
	return err
}
