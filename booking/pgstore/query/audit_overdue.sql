-- Reservations that ran out more than a minute ago and stand.
SELECT event_id, id, NULL::bigint, format('reserved until %s', expiration_time)
FROM bookings WHERE status = 'reserved' AND expiration_time < now() - interval '1 minute'
