package webhook_test

import (
	"os"
	"testing"

	"usher/internal/testenv"
)

func TestMain(m *testing.M) { os.Exit(testenv.Main(m)) }
