-- snapshot: an event's seats and holds at one instant.
-- KEYS  meta, map, holds, owners of one event
-- ARGV  run_id, version that the caller has
-- Returns {'OK', version, now ms, map, {seat, owner and expiry …}} · {'SAME', version, now ms} · {'LOST'}
local m = redis.call('HMGET', KEYS[1], 'run', 'version')
if m[1] ~= ARGV[1] then return {'LOST'} end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if m[2] == ARGV[2] then return {'SAME', m[2], now} end
return {'OK', m[2], now, redis.call('GET', KEYS[2]), redis.call('HGETALL', KEYS[3])}
