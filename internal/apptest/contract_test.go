package apptest

import (
	"fmt"
	"net/http"
	"os"
	"time"

	"usher/internal/contract"
)

// watch sees every answer of the whole run, whichever test asked.
var watch = func() *contract.Transport {
	t, err := contract.NewTransport(&http.Transport{MaxIdleConnsPerHost: 512, MaxConnsPerHost: 512, IdleConnTimeout: 30 * time.Second})
	if err != nil {
		panic(err) // the documents are embedded: package contract's own tests say more
	}
	return t
}()

// client is the one client of all tests. It follows no redirect: what is redirected is an answer too.
var client = &http.Client{Transport: watch, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// contractHeld reports what the contract does not allow among all answers of the run, and turns it into an exit code.
func contractHeld() int {
	complaints := watch.Complaints()
	for _, c := range complaints {
		fmt.Fprintln(os.Stderr, "the contract does not allow:", c)
	}
	return min(len(complaints), 1)
}
