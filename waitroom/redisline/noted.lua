-- noted: Postgres knows of a session's end. A line that was restored in between from what it knew before ends it, too.
-- KEYS  meta, line, called, active, sessions, used, lapsed, asking, asked, ends, passed, news, gateways of one run
-- ARGV  run_id, visitor, number (-1: not known), jti, linger ms, incarnation that the line has at least
-- Returns {'OK'} · {'LOST'}
local m = redis.call('HMGET', KEYS[1], 'run', 'incarnation')
if m[1] ~= ARGV[1] or tonumber(m[2]) < tonumber(ARGV[6]) then return {'LOST'} end
local ended = string.match(redis.call('HGET', KEYS[10], ARGV[3]) or '', '^(%S+) %d+$', 17)
if ended == ARGV[4] then redis.call('HDEL', KEYS[10], ARGV[3]) end
local jti, of, entered, over = string.match(redis.call('HGET', KEYS[5], ARGV[2]) or '', '^(%S+) (%d+) (%d+) (%d+)$')
if jti == ARGV[4] and over == '0' then close(ARGV[2], jti, of, entered, ARGV[5]) end
return {'OK'}
