-- Remembers that a month is put away. $1 months since 2000-01.
INSERT INTO put_away (month) VALUES ($1) ON CONFLICT DO NOTHING
