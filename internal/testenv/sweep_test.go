package testenv

import (
	"os"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// What a test process that was killed has left is swept; a server of a test that runs for long is not.
func TestOnlyWhatNobodyHasIsSwept(t *testing.T) {
	t.Parallel()
	own := ownDir(t)
	left, err := os.MkdirTemp("", folderPrefix+"own-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(left) })
	for _, dir := range []string{own, left} {
		if err := os.Chtimes(dir, time.Time{}, time.Now().Add(-time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	sweep()
	if _, err := os.Stat(own); err != nil {
		t.Errorf("the folder of a test that runs: %v", err)
	}
	if _, err := os.Stat(left); !os.IsNotExist(err) {
		t.Errorf("the folder that was left is still there: %v", err)
	}
}

func TestAReplicaThatIsCutOffHearsNoMore(t *testing.T) {
	t.Parallel()
	own := FreshRedis(t)
	r := own.Replica(t)
	master := redis.NewClient(&redis.Options{Addr: own.Addr})
	defer master.Close()
	set := func(key string) {
		t.Helper()
		if err := master.Set(t.Context(), key, "1", 0).Err(); err != nil {
			t.Fatal(err)
		}
	}
	set("early")
	for deadline := time.Now().Add(patience); r.client.Exists(t.Context(), "early").Val() == 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the replica does not follow")
		}
	}
	r.CutOff()
	set("late")
	r.Promote()
	promoted := redis.NewClient(&redis.Options{Addr: own.Addr})
	defer promoted.Close()
	if n, err := promoted.Exists(t.Context(), "early").Result(); err != nil || n != 1 {
		t.Errorf("what the replica had heard: %d, %v", n, err)
	}
	if n, err := promoted.Exists(t.Context(), "late").Result(); err != nil || n != 0 {
		t.Errorf("what it had not heard: %d, %v", n, err)
	}
	if err := promoted.Set(t.Context(), "new", "1", 0).Err(); err != nil {
		t.Errorf("it takes no writes: %v", err)
	}
}
