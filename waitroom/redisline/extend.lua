-- extend: a session lasts until the given time, never shorter than it does.
-- KEYS  meta, line, called, active, sessions, used, lapsed, asking, asked, ends, passed, news, gateways of one run
-- ARGV  run_id, visitor, jti, pass expires ms ('0': only ask), slack ms
-- Returns {'OK', incarnation} · {'OVER'} · {'LOST'}
local m = redis.call('HMGET', KEYS[1], 'run', 'incarnation')
if m[1] ~= ARGV[1] then return {'LOST'} end
local slot = redis.call('ZSCORE', KEYS[4], ARGV[2])
local jti, over = string.match(redis.call('HGET', KEYS[5], ARGV[2]) or '', '^(%S+) %d+ %d+ (%d+)$')
if not slot or tonumber(slot) <= now or jti ~= ARGV[3] or over ~= '0' then return {'OVER'} end
if ARGV[4] ~= '0' then redis.call('ZADD', KEYS[4], 'GT', ARGV[4] + ARGV[5], ARGV[2]) end
return {'OK', tonumber(m[2])}
