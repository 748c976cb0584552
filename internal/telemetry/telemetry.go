// Package telemetry makes the logger that every role uses.
package telemetry

import (
	"fmt"
	"io"
	"log/slog"
)

// Logger returns a logger of text lines for the given role and node. Level is debug, info, warn or error.
func Logger(out io.Writer, level, role, node string) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("log level %q: want debug, info, warn or error", level)
	}
	return slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: l})).With("role", role, "node", node), nil
}
