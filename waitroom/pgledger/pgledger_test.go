package pgledger

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"usher/booking/pgstore/pgtest"
	"usher/internal/id"
	"usher/internal/testenv"
	"usher/waitroom"
	"usher/waitroom/memline"
)

func TestMain(m *testing.M) { os.Exit(testenv.Main(m)) }

var run = waitroom.RunKey{Room: "final", Run: "first"}

const connections = 8 // of a ledger

// open returns a ledger of a database of its own.
func open(t *testing.T) *Ledger {
	t.Helper()
	l := New(pgtest.Open(t, connections).Pool())
	testenv.Running(t, l.Run)
	return l
}

// underWay returns a ledger whose line has been recovered long ago, and a transaction that ends with the test at the latest. On a busy machine it may be long before a test comes to its
// next step: neither the transaction nor who waits for it is cut off.
func underWay(t *testing.T) (*Ledger, pgx.Tx) {
	t.Helper()
	l := open(t)
	recovered(t, l, 0)
	exec(t, l, "UPDATE line_runs SET recovered_at = '-infinity'")
	var conns []*pgxpool.Conn
	for range connections {
		c, err := l.pool.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Exec(t.Context(), "SET lock_timeout = '1min'"); err != nil {
			t.Fatal(err)
		}
		conns = append(conns, c)
	}
	for _, c := range conns {
		c.Release()
	}
	tx, err := l.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tx.Rollback(context.Background()) })
	if _, err := tx.Exec(t.Context(), "SET LOCAL idle_in_transaction_session_timeout = 0"); err != nil {
		t.Fatal(err)
	}
	return l, tx
}

// held waits until somebody waits for a lock, or what is awaited has come; then it stays in the channel. It reports whether somebody waits.
func held[T any](t *testing.T, l *Ledger, done chan T) bool {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		var waiting int
		const sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
		if err := l.pool.QueryRow(t.Context(), sql).Scan(&waiting); err != nil {
			t.Fatal(err)
		}
		if waiting > 0 || len(done) > 0 {
			return waiting > 0
		}
	}
	t.Fatal("it neither waits nor ends")
	return false
}

// recovered begins an incarnation, when the last one began long ago.
func recovered(t *testing.T, l *Ledger, issued int64) waitroom.Memory {
	t.Helper()
	exec(t, l, "UPDATE line_runs SET recovered_at = recovered_at - interval '1 minute'")
	m, err := l.Recover(t.Context(), run, issued, 1000)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func exec(t *testing.T, l *Ledger, sql string, args ...any) {
	t.Helper()
	if _, err := l.pool.Exec(t.Context(), sql, args...); err != nil {
		t.Fatal(err)
	}
}

// admissionOf is that of a number by a visitor of its own.
func admissionOf(n, incarnation int64) waitroom.Admission {
	now := time.Now().UTC().Truncate(time.Millisecond)
	return waitroom.Admission{Visitor: id.Visitor{15: byte(n + 1)}, Session: waitroom.Session{
		JTI: "jti", Number: n, Entered: now, Expires: now.Add(time.Minute), Incarnation: incarnation,
	}}
}

func TestEveryLossBeginsAFreshBlockAndDigsAHole(t *testing.T) {
	t.Parallel()
	l := open(t)
	m := recovered(t, l, 0)
	if m.Incarnation != 1 || m.Next != 0 || m.BlockEnd != 1000 || m.Limit != 0 || len(m.Holes) > 0 {
		t.Fatalf("a line that begins: %+v", m)
	}
	exec(t, l, "UPDATE line_runs SET recovered_at = now() + interval '30 seconds'")
	if _, err := l.Recover(t.Context(), run, 0, 1000); !errors.Is(err, waitroom.ErrRecovering) {
		t.Errorf("a second recovery at once: %v, want ErrRecovering", err)
	}
	if err := l.Note(t.Context(), run, 1, 10, 180); err != nil {
		t.Fatal(err)
	}
	m = recovered(t, l, 7)
	if m.Incarnation != 2 || m.Watermark != 180 || m.Next != 1000 || m.BlockEnd != 2000 || m.Limit != 1000 || !slices.Equal(m.Holes, []waitroom.Hole{{From: 10, Past: 1000}}) {
		t.Errorf("after the first loss: %+v", m)
	}
	if end, err := l.Reserve(t.Context(), run, 2, 2500); err != nil || end != 2500 {
		t.Errorf("reserving up to 2500: %d, %v", end, err)
	}
	m = recovered(t, l, 1020) // nothing was noted since, but the gateway has seen it
	if m.Incarnation != 3 || m.Next != 2500 || !slices.Equal(m.Holes, []waitroom.Hole{{From: 10, Past: 1000}, {From: 1020, Past: 2500}}) {
		t.Errorf("after the second loss: %+v", m)
	}
	m = recovered(t, l, 12) // nobody has given out a number since
	if m.Incarnation != 4 || len(m.Holes) != 2 || m.Holes[1] != (waitroom.Hole{From: 1020, Past: 3500}) {
		t.Errorf("after the third loss: %+v", m)
	}
}

// A gateway that goes on with a line that somebody else has recovered gets no numbers behind its own block, and hears of it.
func TestAnOlderIncarnationReservesAndNotesNothing(t *testing.T) {
	t.Parallel()
	l := open(t)
	if _, err := l.Reserve(t.Context(), run, 0, 10); !errors.Is(err, waitroom.ErrLost) {
		t.Errorf("reserving for a line that never was: %v, want ErrLost", err)
	}
	recovered(t, l, 0)
	recovered(t, l, 0)
	for _, incarnation := range []int64{1, 3} {
		if end, err := l.Reserve(t.Context(), run, incarnation, 9000); !errors.Is(err, waitroom.ErrLost) {
			t.Errorf("incarnation %d of 2 reserves up to %d, %v; want ErrLost", incarnation, end, err)
		}
		if err := l.Note(t.Context(), run, incarnation, 1900, 1900); !errors.Is(err, waitroom.ErrLost) {
			t.Errorf("incarnation %d of 2 notes: %v, want ErrLost", incarnation, err)
		}
	}
	if m := recovered(t, l, 0); m.Next != 2000 || m.Watermark != 0 || !slices.Equal(m.Holes, []waitroom.Hole{{From: 0, Past: 2000}}) {
		t.Errorf("after what was refused: %+v", m)
	}
}

// A recovery that has much to read ends late. Others leave the line to it from then on.
func TestALongRecoveryIsLeftAlone(t *testing.T) {
	t.Parallel()
	l, _ := underWay(t)
	exec(t, l, "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(1.1); RETURN NEW; END'")
	exec(t, l, "CREATE TRIGGER slow BEFORE INSERT ON line_holes FOR EACH ROW EXECUTE FUNCTION slow()")
	var began time.Time
	if err := l.pool.QueryRow(t.Context(), "SELECT clock_timestamp()").Scan(&began); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Recover(t.Context(), run, 0, 1000); err != nil {
		t.Fatal(err)
	}
	var late bool // nothing is measured here but by the clock of Postgres, so that a machine that pauses changes nothing
	if err := l.pool.QueryRow(t.Context(), "SELECT recovered_at >= $1::timestamptz + interval '1.1 seconds' FROM line_runs", began).Scan(&late); err != nil || !late {
		t.Errorf("a recovery that took more than a second is told as of its beginning: %v", err)
	}
	exec(t, l, "UPDATE line_runs SET recovered_at = recovered_at + interval '30 seconds'")
	if _, err := l.Recover(t.Context(), run, 0, 1000); !errors.Is(err, waitroom.ErrRecovering) {
		t.Errorf("a recovery right behind it: %v, want ErrRecovering", err)
	}
}

func TestManyGatewaysRecoverOnce(t *testing.T) {
	t.Parallel()
	l := open(t)
	var mu sync.Mutex // guards first, busy
	var first []waitroom.Memory
	busy, began := 0, time.Now()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			m, err := l.Recover(t.Context(), run, 0, 1000)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				first = append(first, m)
			case errors.Is(err, waitroom.ErrRecovering):
				busy++
			default:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if time.Since(began) > time.Second/2 { // on a machine as busy as that the next second's recovery is another one, with a block of its own
		blocks := map[int64]bool{}
		for _, m := range first {
			blocks[m.Next] = true
		}
		if len(blocks) != len(first) || len(first)+busy != 8 || len(first) == 0 {
			t.Errorf("of eight recoveries %d succeeded, %d were told to wait: %+v", len(first), busy, first)
		}
		return
	}
	if len(first) != 1 || busy != 7 || first[0].Incarnation != 1 || first[0].BlockEnd != 1000 {
		t.Errorf("of eight recoveries %d succeeded, %d were told to wait: %+v", len(first), busy, first)
	}
}

func TestAnAdmissionIsRecordedOnceAndRemembered(t *testing.T) {
	t.Parallel()
	l := open(t)
	recovered(t, l, 0)
	ctx := t.Context()
	a := admissionOf(3, 1)
	later := a
	later.Expires = a.Expires.Add(time.Hour)
	for _, a := range []waitroom.Admission{a, a, later, a} {
		if err := l.Admit(ctx, run, a); err != nil {
			t.Fatalf("admit: %v", err)
		}
	}
	other, again := a, a
	other.Visitor[0], again.JTI = 9, "another"
	for _, a := range []waitroom.Admission{other, again} {
		if err := l.Admit(ctx, run, a); !errors.Is(err, waitroom.ErrPlaceUsed) {
			t.Errorf("a used number as %s, %s: %v, want ErrPlaceUsed", a.Visitor, a.JTI, err)
		}
	}
	over, expired, slack := admissionOf(4, 1), admissionOf(5, 1), admissionOf(6, 1)
	over.JTI = "over"
	expired.Expires = time.Now().Add(-waitroom.SlotSlack - time.Second)
	slack.Expires = time.Now().Add(-time.Second)
	for _, a := range []waitroom.Admission{over, expired, slack} {
		if err := l.Admit(ctx, run, a); err != nil {
			t.Fatal(err)
		}
	}
	if err := done(t, l, over); err != nil {
		t.Fatal(err)
	}
	m := recovered(t, l, 0)
	if !slices.Equal(m.Used, []int64{3, 4, 5, 6}) {
		t.Errorf("used are %v, want 3, 4, 5, 6", m.Used)
	}
	if len(m.Sessions) != 2 || m.Sessions[0].Number != 3 || m.Sessions[0].Visitor != a.Visitor || !m.Sessions[0].Expires.Equal(later.Expires) || m.Sessions[1].Number != 6 {
		t.Errorf("sessions are %+v, want those of 3, extended, and 6, whose slot outlives its pass", m.Sessions)
	}
}

// Who leaves at once may be quicker than his own admission. It is over when it comes, whatever is lost.
func TestAnEndThatOvertakesItsAdmissionStays(t *testing.T) {
	t.Parallel()
	l := open(t)
	recovered(t, l, 0)
	ctx := t.Context()
	quick, other := admissionOf(1, 1), admissionOf(2, 1)
	other.JTI = "other"
	if err := errors.Join(done(t, l, quick), done(t, l, quick), l.Admit(ctx, run, other)); err != nil {
		t.Fatal(err)
	}
	quick.Expires = quick.Expires.Add(time.Hour)
	for range 2 {
		if err := l.Admit(ctx, run, quick); !errors.Is(err, waitroom.ErrPlaceUsed) {
			t.Errorf("the admission of a session that is over: %v, want ErrPlaceUsed", err)
		}
	}
	stranger := other
	stranger.JTI = "strange"
	if err := done(t, l, stranger); err != nil {
		t.Error(err)
	}
	if m := recovered(t, l, 0); !slices.Equal(m.Used, []int64{1, 2}) || len(m.Sessions) != 1 || m.Sessions[0].JTI != "other" {
		t.Errorf("used are %v, inside are %+v; want 1 and 2, and 2", m.Used, m.Sessions)
	}
	other.Number = -1 // the booking core does not know it
	if err := done(t, l, other); err != nil {
		t.Error(err)
	}
	if m := recovered(t, l, 0); len(m.Sessions) != 0 {
		t.Errorf("inside are %+v, want nobody", m.Sessions)
	}
}

func TestControlWithoutTheEndAnAdmissionIsTaken(t *testing.T) {
	t.Parallel()
	l := open(t)
	recovered(t, l, 0)
	a := admissionOf(1, 1)
	if err := done(t, l, a); err != nil {
		t.Fatal(err)
	}
	without := strings.Replace(query("admit"), " AND admissions.ended_at IS NULL", "", 1)
	var room, name string
	var number, incarnation int64
	var taken bool
	err := l.pool.QueryRow(t.Context(), without, []string{run.Room}, []string{run.Run}, []int64{1}, [][16]byte{a.Visitor}, []string{a.JTI}, []time.Time{a.Entered},
		[]time.Time{a.Expires}, []int64{1}).Scan(&room, &name, &number, &incarnation, &taken)
	if err != nil || without == query("admit") || !taken {
		t.Errorf("nobody looked for the end, and the admission was refused all the same: %v", err)
	}
}

func TestNothingOfAnOlderIncarnationIsAdmitted(t *testing.T) {
	t.Parallel()
	l := open(t)
	if err := l.Admit(t.Context(), run, admissionOf(1, 0)); !errors.Is(err, waitroom.ErrLost) {
		t.Errorf("an admission to a line that never was: %v, want ErrLost", err)
	}
	recovered(t, l, 0)
	recovered(t, l, 0)
	if err := l.Admit(t.Context(), run, admissionOf(2, 1)); !errors.Is(err, waitroom.ErrLost) {
		t.Errorf("an admission of the first incarnation in the second: %v, want ErrLost", err)
	}
	answers, err := l.admitAll(t.Context(), []admission{
		{run, admissionOf(3, 1)}, {run, admissionOf(4, 2)}, {run, admissionOf(4, 1)}, {run, admissionOf(5, 1)}, {run, admissionOf(5, 2)},
	})
	for i, want := range []error{waitroom.ErrLost, nil, waitroom.ErrLost, waitroom.ErrLost, nil} {
		if err != nil || !errors.Is(answers[i], want) {
			t.Errorf("a batch of two incarnations: %v, %v; want %v at %d", answers, err, want, i)
		}
	}
	if m := recovered(t, l, 0); !slices.Equal(m.Used, []int64{4, 5}) {
		t.Errorf("used are %v, want 4 and 5 alone", m.Used)
	}
}

// A session that is entered once more and extended at the same moment lasts as long as it was extended, in whichever order they come.
func TestRepeatsInOneBatchLastAsLongAsTheLongest(t *testing.T) {
	t.Parallel()
	l := open(t)
	recovered(t, l, 0)
	first, second := admission{run, admissionOf(0, 1)}, admission{run, admissionOf(1, 1)}
	until := first.Expires.Add(time.Hour)
	extended := func(a admission) admission { a.Expires = until; return a }
	other := first
	other.JTI, other.Expires = "another", until.Add(time.Hour)
	answers, err := l.admitAll(t.Context(), []admission{first, extended(first), first, extended(second), second, other})
	if err != nil || errors.Join(answers[:5]...) != nil || !errors.Is(answers[5], waitroom.ErrPlaceUsed) {
		t.Fatalf("a batch of repeats and a used number: %v, %v", answers, err)
	}
	sessions := recovered(t, l, 0).Sessions
	if len(sessions) != 2 {
		t.Errorf("sessions are %+v, want two", sessions)
	}
	for _, s := range sessions {
		if !s.Expires.Equal(until) {
			t.Errorf("the session of number %d lasts until %s, want %s", s.Number, s.Expires, until)
		}
	}
}

// race begins a recovery that reads what there is, lets an admission come that knows nothing of it, ends the recovery, and reports whether the admission was recorded
// though the recovered memory lacks it.
func race(t *testing.T, admit string) (missed bool) {
	l, tx := underWay(t)
	ctx := t.Context()
	for _, name := range []string{"lock_run", "recover"} {
		args := []any{run.Room, run.Run, 1000}[:2+strings.Count(query(name), "$3 size")]
		if _, err := tx.Exec(ctx, query(name), args...); err != nil {
			t.Fatal(err)
		}
	}
	var m waitroom.Memory
	if err := remember(ctx, tx, run, &m); err != nil {
		t.Fatal(err)
	}
	a := admissionOf(1, 1)
	done := make(chan error, 1)
	go func() {
		_, err := l.pool.Exec(ctx, admit, []string{run.Room}, []string{run.Run}, []int64{1}, [][16]byte{a.Visitor}, []string{a.JTI},
			[]time.Time{a.Entered}, []time.Time{a.Expires}, []int64{1})
		done <- err
	}()
	held(t, l, done)
	if err := tx.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	var recorded bool
	err := l.pool.QueryRow(ctx, "SELECT true FROM admissions WHERE number = 1").Scan(&recorded)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		t.Fatal(err)
	}
	return recorded && !slices.Contains(m.Used, 1)
}

func TestARecoveryAndAnAdmissionNeverMissEachOther(t *testing.T) {
	t.Parallel()
	if race(t, query("admit")) {
		t.Error("an admission was recorded that the recovered line does not know")
	}
}

func TestControlWithoutTheLockARecoveryMissesAnAdmission(t *testing.T) {
	t.Parallel()
	without := strings.Replace(query("admit"), "FOR KEY SHARE OF r", "", 1)
	if without == query("admit") || !race(t, without) {
		t.Error("nothing held the admission back, and the recovered line knew it all the same")
	}
}

// endBesideRecovery begins a recovery, which reads the admissions, then ends a session with that query and lets the recovery commit: the incarnation that
// whoever ends it hears of, and whether he waited.
func endBesideRecovery(t *testing.T, end string) (incarnation int64, waited bool) {
	t.Helper()
	l, tx := underWay(t)
	ctx := t.Context()
	a := admissionOf(1, 1)
	if err := l.Admit(ctx, run, a); err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(ctx, query("lock_run"), run.Room, run.Run); err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(ctx, query("recover"), run.Room, run.Run, 1000); err != nil {
		t.Fatal(err)
	}
	args := []any{run.Room, run.Run, a.Number, [16]byte(a.Visitor), a.JTI, a.Entered}
	if !strings.Contains(end, "$6") {
		args = []any{run.Room, run.Run, a.JTI}
	}
	told := make(chan error, 1)
	go func() { told <- l.pool.QueryRow(ctx, end, args...).Scan(&incarnation) }()
	waited = held(t, l, told)
	if err := tx.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	if err := <-told; err != nil {
		t.Fatal(err)
	}
	return incarnation, waited
}

// TestWhoEndsASessionHearsOfARecoveryThatMayNotKnow: the line that it restores is told of the end then.
func TestWhoEndsASessionHearsOfARecoveryThatMayNotKnow(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"done", "done_session"} {
		if got, waited := endBesideRecovery(t, query(name)); got != 2 || !waited {
			t.Errorf("%s: the incarnation is %d, want that of the recovery, 2; it waited: %t", name, got, waited)
		}
		without := strings.Replace(query(name), " FOR KEY SHARE", "", 1)
		if got, _ := endBesideRecovery(t, without); got != 1 || without == query(name) {
			t.Errorf("control: %s without the lock hears of %d all the same", name, got)
		}
	}
}

// done ends a session.
func done(t *testing.T, l *Ledger, a waitroom.Admission) error {
	t.Helper()
	_, err := l.Done(t.Context(), run, a)
	return err
}

// The other way round: a recovery that comes while an admission is being recorded waits for it.
func TestARecoveryWaitsForAdmissionsUnderWay(t *testing.T) {
	t.Parallel()
	l, tx := underWay(t)
	ctx := t.Context()
	a := admissionOf(1, 1)
	if _, err := tx.Exec(ctx, query("admit"), []string{run.Room}, []string{run.Run}, []int64{1}, [][16]byte{a.Visitor}, []string{a.JTI},
		[]time.Time{a.Entered}, []time.Time{a.Expires}, []int64{1}); err != nil {
		t.Fatal(err)
	}
	if err := l.Note(ctx, run, 1, 5, 9); err != nil { // which is not held up by admissions
		t.Errorf("a note beside an admission: %v", err)
	}
	type answer struct {
		waitroom.Memory
		error
	}
	done := make(chan answer, 1)
	go func() {
		m, err := l.Recover(ctx, run, 0, 1000)
		done <- answer{m, err}
	}()
	if !held(t, l, done) {
		t.Error("the recovery did not wait")
	}
	if err := tx.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	if got := <-done; got.error != nil || !slices.Equal(got.Used, []int64{1}) || len(got.Sessions) != 1 {
		t.Errorf("the recovered line knows %+v, %v; want the admission", got.Memory, got.error)
	}
}

// recoveries lets two gateways recover a line of one slot: the slower one restores its older memory after a second loss. It returns how many are inside
// with a pass. admit records an admission of the newest incarnation that there is.
func recoveries(t *testing.T, admit func(*Ledger, waitroom.Admission, int64) error) (inside int) {
	l := open(t)
	ctx := t.Context()
	line := memline.New(time.Now)
	rules := waitroom.CallRules{PerSecond: 1e9, Burst: 10, Capacity: 1, Expect: time.Minute, Grace: time.Minute, Ceiling: 1 << 50}
	newest := int64(0)
	enter := func(n int64, v id.Visitor) {
		if _, err := line.Join(ctx, run, v, n); err != nil {
			t.Fatal(err)
		}
		s, err := line.Enter(ctx, run, v, n, waitroom.EnterRules{JTI: "jti", Capacity: 1, Session: time.Minute})
		if err != nil {
			t.Fatalf("number %d enters: %v", n, err)
		}
		if err := admit(l, waitroom.Admission{Visitor: v, Session: s}, newest); err == nil {
			inside++
		} else if !errors.Is(err, waitroom.ErrLost) {
			t.Fatal(err)
		}
	}
	recovered(t, l, 0)
	if err := l.Note(ctx, run, 1, 10, 10); err != nil {
		t.Fatal(err)
	}
	slow, quick := recovered(t, l, 10), recovered(t, l, 10)
	newest = quick.Incarnation
	for n, m := range []waitroom.Memory{quick, slow} {
		line.Lose(run)
		if err := line.Restore(ctx, run, m); err != nil {
			t.Fatal(err)
		}
		if _, err := line.Call(ctx, run, rules); err != nil {
			t.Fatal(err)
		}
		enter(int64(n), id.Visitor{15: byte(n + 1)})
	}
	return inside
}

func TestTwoRecoveriesThatRaceAnEnterNeverExceedTheCapacity(t *testing.T) {
	t.Parallel()
	inside := recoveries(t, func(l *Ledger, a waitroom.Admission, _ int64) error { return l.Admit(context.Background(), run, a) })
	if inside != 1 {
		t.Errorf("%d have a pass, capacity 1", inside)
	}
}

func TestControlWithoutIncarnationsTwoRecoveriesExceedTheCapacity(t *testing.T) {
	t.Parallel()
	inside := recoveries(t, func(l *Ledger, a waitroom.Admission, newest int64) error {
		a.Incarnation = newest // as if nobody compared
		return l.Admit(context.Background(), run, a)
	})
	if inside != 2 {
		t.Errorf("nothing was compared, and %d have a pass; want 2", inside)
	}
}
