-- A provider has news of an attempt: it is due at once, or as soon as its cashier gives it back. $1 id.
UPDATE payment_attempts SET next_at = now(), woken = true WHERE id = $1 AND NOT settled AND status IN ('created', 'authorised')
