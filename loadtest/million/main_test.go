package million

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"usher/internal/testenv"
)

var visitors = flag.Int("visitors", 1_000_000, "visitors of the benchmark, 1,000 to 1,000,000")

// TestMain runs the tests, or is a bare server for them.
func TestMain(m *testing.M) {
	if kind := os.Getenv(bareVariable); kind != "" {
		fmt.Fprintln(os.Stderr, "million:", beBare(kind, os.Getenv(bareSizeVariable)))
		os.Exit(1)
	}
	code := testenv.Main(m)
	if err := removeBinary(); err != nil {
		fmt.Fprintln(os.Stderr, "million:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}
