-- The tickets of one event, in COPY's binary format. What is not here has a default: available, not held, not blocked.
COPY tickets (id, event_id, price, seat_number) FROM STDIN BINARY
