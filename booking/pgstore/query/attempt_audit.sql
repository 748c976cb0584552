-- Every sandbox attempt as booking, attempt and provider know it, then charges without an attempt, then confirmed bookings without
-- one: one statement, so one snapshot.
SELECT a.event_id, a.booking_id, coalesce(b.status, ''), coalesce(b.attempt_id = a.id, false), coalesce(b.total, 0), coalesce(b.currency, ''),
       a.id, a.settled, l.attempt_id IS NOT NULL, coalesce(l.amount, 0), coalesce(l.currency, ''), coalesce(l.token, ''),
       l.authorised_at IS NOT NULL, l.captured_at IS NOT NULL, l.voided_at IS NOT NULL, coalesce(l.declined, '')
FROM payment_attempts a
LEFT JOIN bookings b ON b.event_id = a.event_id AND b.id = a.booking_id
LEFT JOIN sandbox_ledger l ON l.attempt_id = a.id
WHERE a.method = 'sandbox'
UNION ALL
SELECT 0, NULL, '', false, 0, '', l.attempt_id, true, true, l.amount, l.currency, l.token,
       l.authorised_at IS NOT NULL, l.captured_at IS NOT NULL, l.voided_at IS NOT NULL, coalesce(l.declined, '')
FROM sandbox_ledger l
WHERE NOT EXISTS (SELECT FROM payment_attempts a WHERE a.id = l.attempt_id)
UNION ALL
SELECT b.event_id, b.id, b.status, true, b.total, b.currency, NULL, true, false, 0, '', '', false, false, false, ''
FROM bookings b
WHERE b.status = 'confirmed' AND NOT EXISTS (SELECT FROM payment_attempts a WHERE a.id = b.attempt_id)
