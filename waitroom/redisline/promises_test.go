package redisline

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"usher/internal/redisdb"
	"usher/internal/testenv"
	"usher/waitroom"
	"usher/waitroom/linetest"
	"usher/waitroom/memline"
)

// testClock is a clock that tests move: a key beside those of the run, which a line that loses its memory does not lose.
const testClock = "local now = tonumber(redis.call('GET', string.match(KEYS[1], '^(.*:)meta$') .. 'clock'))\n"

// openMoved returns a line in Redis whose clock and memory are in a test's hands.
func openMoved(t *testing.T) linetest.Line { return openWithout(t, "", "") }

// openWithout returns one whose scripts have something else in place of a piece of their text.
func openWithout(t *testing.T, piece, by string) linetest.Line {
	t.Helper()
	addr, room := testenv.Redis(t)
	rdb, err := redisdb.Dial(addr, 32)
	if err != nil {
		t.Fatal(err)
	}
	there := false
	l, key := newLine(rdb, func(parts ...string) *redis.Script {
		text := strings.Join(parts, "")
		there = there || strings.Contains(text, piece)
		return redis.NewScript(testClock + strings.Replace(text, piece, by, 1))
	}), waitroom.RunKey{Room: room, Run: waitroom.NewRun()}
	if !there {
		t.Fatalf("no script has %q", piece)
	}
	t.Cleanup(func() { _ = rdb.Close() })
	testenv.Running(t, l.Run)
	ctx := context.Background()
	names := keys(key)
	return linetest.Line{
		Queue: l, Key: key,
		Clock: func(now time.Time) error {
			return rdb.Set(ctx, "usher:{"+key.Room+"}:"+key.Run+":clock", now.UnixMilli(), 0).Err()
		},
		Lose: func() (err error) {
			for _, name := range names { // one at a time, also on a cluster
				err = errors.Join(err, rdb.Del(ctx, name).Err())
			}
			return err
		},
	}
}

func TestTheLineInRedisKeepsItsPromises(t *testing.T) {
	t.Parallel()
	linetest.Run(t, openMoved)
}

// The line in memory says what the scripts do, whatever is done to both.
func TestTheLineInRedisAgreesWithTheLineInMemory(t *testing.T) {
	t.Parallel()
	for seed := range uint64(40) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			t.Parallel()
			if err := linetest.Agree(t.Context(), seed, 500, openMoved(t), inMemory()); err != nil {
				t.Error(err)
			}
		})
	}
}

func inMemory() linetest.Line {
	var now atomic.Int64
	l, key := memline.New(func() time.Time { return time.UnixMilli(now.Load()) }), waitroom.RunKey{Room: "room", Run: "run"}
	return linetest.Line{
		Queue: l, Key: key,
		Clock: func(at time.Time) error { now.Store(at.UnixMilli()); return nil },
		Lose:  func() error { l.Lose(key); return nil },
	}
}

// What keeps the promises in the scripts: without one of these pieces the promise that is named is broken.
func TestControlWithoutAPieceOfAScriptAPromiseIsBroken(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ piece, by, breaks string }{
		"the grace of a turn":             {"not grace or now - at <= tonumber(grace)", "true", "ALapsedTurnIsOver"},
		"the marks of lapsed turns":       {"redis.call('SETBIT', KEYS[7], number, 1)", "1", "WhoGotANumberOfAHoleAndLetItLapse"},
		"lapses since the last call":      {"redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', '(' .. now - m[4])", "{}", "LapsesTellWhatEnteringAnswers"},
		"lapses are counted":              {"redis.call('HINCRBY', KEYS[1], 'lapses', 1)", "", "LapsesTellWhatEnteringAnswers"},
		"lapses of before a loss":         {"now - since > tonumber(grace)", "false", "LapsesTellWhatEnteringAnswers"},
		"lapses of holes":                 {"now - h[3] > tonumber(grace)", "false", "WhoGotANumberOfAHoleMayCome"},
		"who was inside has not lapsed":   {"redis.call('GET', KEYS[6]) or ''", "''", "LapsesTellWhatEnteringAnswers"},
		"who has asked has not lapsed":    {"asked[#asked + 1] = n", "", "LapsesTellWhatEnteringAnswers"},
		"a lapsed place is looked at":     {"and good(shown)", "", "WhoWasCalledBeforeALossHasHisGraceAgain"},
		"a lapsed number is looked at":    {"not good(number)", "false", "ALapsedPlaceThatIsShownIsNone"},
		"who asks is here":                {"redis.call('ZADD', KEYS[3], now, ARGV[3])", "", "WhoAsksWhileFullKeepsHisTurn"},
		"the capacity":                    {">= free", ">= 1e9", "TheCapacityHoldsAtEveryInstant"},
		"the turn of those who ask":       {"redis.call('ZCOUNT', KEYS[8], '-inf', '(' .. ARGV[3])", "0", "WhileFullTheTurnGoesByNumber"},
		"used numbers":                    {"if redis.call('GETBIT', KEYS[6], number) == 1 then return {'USED'} end", "", "ANumberEntersOnce"},
		"the jti of who leaves":           {"(jti == ARGV[4] or ARGV[4] == '' and of == ARGV[3])", "true", "ALateDoneFreesNoNewerSession"},
		"ends are kept":                   {"redis.call('HSET', KEYS[10], of", "local _ = (''", "AnEndIsKeptUntilItIsNoted"},
		"what is noted is kept no longer": {"redis.call('HDEL', KEYS[10], ARGV[3])", "", "AnEndIsKeptUntilItIsNoted"},
		"the jti of what is noted":        {"if ended == ARGV[4]", "if ended", "AnEndIsKeptUntilItIsNoted"},
		"an end is told again":            {"if ended and string.sub", "if false and string.sub", "AnEndIsKeptUntilItIsNoted"},
		"an end is told to its visitor":   {"string.sub(kept, 1, 16) == visitor", "true", "AnEndIsKeptUntilItIsNoted"},
		"what is noted is over":           {"jti == ARGV[4] and over == '0'", "false", "WhatIsNotedIsOver"},
		"an old line is told of no end":   {"or tonumber(m[2]) < tonumber(ARGV[6])", "", "AnOldLineIsToldNoEnd"},
		"gateways outlive a restore":      {"and i ~= 13", "", "SilentGatewaysAreMissed"},
		"a gateway says goodbye":          {"if ARGV[7] == '1'", "if false", "SilentGatewaysAreMissed"},
		"who is long silent is forgotten": {"now - ARGV[9], '('", "'-inf', '('", "SilentGatewaysAreMissed"},
		"ends outlive a restore":          {"if i ~= 10", "if true", "ARestoreKeepsEnds"},
		"what is kept is not restored":    {"'^(%S+) %d+$', 17) ~= jti", "'^$') ~= jti", "ARestoreKeepsEnds"},
		"who has left is out":             {"or over ~= '0'", "", "WhoLeavesIsOut"},
		"the incarnation of a block":      {"m[3] == ARGV[2] and", "", "ABlockIsOfItsIncarnation"},
		"the newest incarnation":          {"tonumber(m[2]) >= tonumber(ARGV[2])", "false", "OnlyANewerIncarnationIsRestored"},
		"an older incarnation gives way":  {"and tonumber(m[2]) >= tonumber(ARGV[2])", "", "OnlyANewerIncarnationIsRestored"},
		"holes are jumped":                {"if hole then", "if false then", "TheHolesOfEveryLossAreJumped"},
		"who came back to a hole is seen": {"if back[2] then", "if false then", "WhoGotANumberOfAHoleMayCome"},
		"the slowest pace":                {"tonumber(ARGV[2]) <= tonumber(pace)", "true", "TheSlowestPaceCounts"},
		"another most":                    {"most ~= ARGV[16]", "not pace", "TheSlowestPaceCounts"},
		"a slow pace is forgotten":        {"now - paced > tonumber(ARGV[15])", "false", "TheSlowestPaceCounts"},
		"sold out is sold out":            {"if left == 0 then", "if false then", "NobodyIsCalledWhenNothingIsLeft"},
		"how many may buy":                {"math.floor(left * tonumber(ARGV[13]))", "1000", "NoMoreAreCalledThanMayBuy"},
		"the latest stock":                {"tonumber(version) >= tonumber(v)", "true", "TheLatestStockCounts"},
		"an old stock gives way":          {"or now - told > 5000", "", "TheLatestStockCounts"},
		"unknown is not zero":             {"now - told > 60000", "false", "TheLatestStockCounts"},
		"the window of what is bought":    {"served - s1 >= tonumber(window)", "false", "WhatPeopleBuyIsMeasured"},
		"who is gone is not through":      {"redis.call('HINCRBY', KEYS[1], 'given', 1)", "", "WhoIsGoneIsNotThrough"},
		"who is gone costs no token":      {"if at >= 0 and at < 8 * #gone and", "if false and", "WhoIsGoneCostsNoToken"},
		"who is gone is not expected":     {"redis.call('ZADD', KEYS[11], now, text)", "", "WhoIsGoneCostsNoSlot"},
		"the incarnation of who is gone":  {"if ARGV[17] ~= m[11] then gone = '' end", "", "WhoIsGoneIsPassedAfterALossToo"},
		"who comes back is expected":      {"redis.call('ZREM', KEYS[11], ARGV[3]) == 1", "false", "WhoIsGoneAndComesBackIsExpected"},
		"twice the free slots":            {"if most <= 0 then n = 0 end", "", "WhoIsGoneIsPassedAfterALossToo"},
		"the incarnation of news":         {"and ARGV[2] == m[2]", "", "NewsAreOfTheirIncarnation"},
		"a number is taken up again":      {"redis.call('SETBIT', KEYS[7], shown, 0)", "0", "ANumberThatWasTakenUpAgainHasItsTurn"},
		"old news are dropped":            {"redis.call('LPOP', KEYS[12])", "", "GatewaysHearEachOther"},
		"the ceiling":                     {"'(' .. ARGV[7]", "'+inf'", "TheCeilingStopsTheWatermark"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if linetest.Broken(t, c.breaks, openWithout(t, c.piece, c.by)) == nil {
				t.Errorf("%s is not broken", c.breaks)
			}
		})
	}
}
