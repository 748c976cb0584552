package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"usher/internal/config"
)

// healthTime bounds the question: a process that takes longer is not well.
const healthTime = 3 * time.Second

// runHealth asks the role that runs with the same settings whether it lives, for containers whose image has nothing else to ask with.
func runHealth(ctx context.Context, args []string, getenv func(string) string, out io.Writer) error {
	c, err := config.Load("health", args, getenv, out, nil)
	if err != nil {
		return err
	}
	addr := c.MetricsAddr
	if addr == "" {
		addr = c.AdminAddr
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("--metrics-addr or --admin-addr: %w", err)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	ctx, cancel := context.WithTimeout(ctx, healthTime)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+"/healthz", nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("it does not answer: %w", err)
	}
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("it answers %s", answer.Status)
	}
	return nil
}
