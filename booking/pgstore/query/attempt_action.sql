-- Where the payer goes on, while an attempt waits for him. $1 id.
SELECT action_url FROM payment_attempts WHERE id = $1 AND NOT settled AND status = 'created' AND action_url IS NOT NULL
