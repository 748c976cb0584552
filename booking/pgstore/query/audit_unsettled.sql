-- Payments that have no definite end after ten minutes.
SELECT event_id, booking_id, NULL::bigint, format('attempt %s is %s since %s, tried %s times', id, status, created_at, tries)
FROM payment_attempts WHERE NOT settled AND created_at < now() - interval '10 minutes'
