-- A message that is set aside waits again, as if it had not been tried. $1 webhook, $2 number.
UPDATE webhook_retries SET set_aside_at = NULL, tries = 0, first_at = now(), next_at = now() WHERE webhook_id = $1 AND seq = $2 AND set_aside_at IS NOT NULL
