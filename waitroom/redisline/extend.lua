-- extend: a session lasts until the given time, never shorter than it does.
-- KEYS  meta, line, called, active, sessions, used, asking, asked of one run
-- ARGV  run_id, visitor, jti, pass expires ms ('0': only ask), slack ms
-- Returns {'OK'} · {'OVER'} · {'LOST'}
if redis.call('HGET', KEYS[1], 'run') ~= ARGV[1] then return {'LOST'} end
local session = redis.call('HGET', KEYS[5], ARGV[2])
local slot = redis.call('ZSCORE', KEYS[4], ARGV[2])
if not session or not slot or tonumber(slot) <= now or string.match(session, '^(%S+)') ~= ARGV[3] then return {'OVER'} end
if ARGV[4] ~= '0' then redis.call('ZADD', KEYS[4], 'GT', ARGV[4] + ARGV[5], ARGV[2]) end
return {'OK'}
