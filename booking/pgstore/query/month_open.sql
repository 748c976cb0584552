-- What of a month is not over: events that end later than a week ago, bookings that wait or are being paid, payments without an end. $1 months since 2000-01.
SELECT (SELECT count(*) FROM events WHERE id >= $1::bigint << 27 AND id < ($1::bigint + 1) << 27 AND end_time > now() - interval '7 days'),
       (SELECT count(*) FROM bookings WHERE event_id >= $1::bigint << 27 AND event_id < ($1::bigint + 1) << 27 AND status IN ('reserved', 'paying')),
       (SELECT count(*) FROM payment_attempts WHERE event_id >= $1::bigint << 27 AND event_id < ($1::bigint + 1) << 27 AND NOT settled)
