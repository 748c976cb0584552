-- ends: sessions that are over, of which it is not known that Postgres knows: a thousand of them at most, whichever they are.
-- KEYS  meta, line, called, active, sessions, used, lapsed, asking, asked, ends, passed, news, gateways of one run     ARGV  run_id, how many at most
-- Returns {'OK', then number and visitor (16 bytes) with "jti entered-ms" behind it for each} · {'LOST'}
if redis.call('HGET', KEYS[1], 'run') ~= ARGV[1] then return {'LOST'} end
return {'OK', unpack(redis.call('HRANDFIELD', KEYS[10], ARGV[2], 'WITHVALUES'))}
