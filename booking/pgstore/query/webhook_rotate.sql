-- A new secret; the old one signs beside it for a while. $1 id, $2 secret, $3 seconds.
UPDATE webhooks SET old_secret = secret, old_until = now() + make_interval(secs => $3), secret = $2, version = version + 1 WHERE id = $1
