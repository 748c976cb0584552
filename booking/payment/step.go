package payment

import "context"

// Step claims attempts that are due, n at most, and works on them one after the other in the caller's goroutine: what Run does, for whoever drives
// time himself.
func (c *Cashier) Step(ctx context.Context, n int) error {
	claimed, err := c.claim(ctx, n)
	if err != nil {
		return err
	}
	for _, a := range claimed {
		c.serve(ctx, a)
	}
	return nil
}
