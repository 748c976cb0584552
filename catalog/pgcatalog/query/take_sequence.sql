-- Takes sequence numbers of a month and returns the last one taken. $1 month, $2 how many.
INSERT INTO event_months (month, sequence) VALUES ($1, $2)
ON CONFLICT (month) DO UPDATE SET sequence = event_months.sequence + excluded.sequence
RETURNING sequence
