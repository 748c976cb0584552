-- The sandbox's own books. $1 opened at or after (null: all), $2 of this attempt only (null: all).
SELECT attempt_id, amount, currency, token, authorised_at IS NOT NULL, captured_at IS NOT NULL, voided_at IS NOT NULL, coalesce(declined, '')
FROM sandbox_ledger
WHERE ($1::timestamptz IS NULL OR opened_at >= $1) AND ($2::uuid IS NULL OR attempt_id = $2)
