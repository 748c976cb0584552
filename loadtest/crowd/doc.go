// Command crowd sends simulated fans to an on-sale and checks what they were told. It is a stranger: it imports nothing of
// Usher and speaks only HTTP, to the public port and, for what an operator knows, to the admin port.
//
// Fans arrive within seconds, join the line, wait as long as they are told, enter, choose seats, hold, pay or give up, until
// the event is sold out or everybody is done. It then reports, and fails unless these are zero:
//
//   - order inversions: a fan was told "called" before another with a lower number who was in line asked and was still told to wait.
//     Only what the intervals of request and answer prove counts.
//   - capacity overshoot: more sessions than the room's capacity that provably existed at one instant, each from the answer that
//     gave the pass to the request that gave it up, or to the pass's end.
//   - double sales: a ticket in the confirmed bookings of two fans, or a confirmed ticket that the event's view does not show as booked.
//
// It fails as well when two fans were given one number, on any answer of 5xx other than 503, and when nothing was sold at all.
package main
