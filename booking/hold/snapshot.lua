-- snapshot: an event's seats at one instant.
-- ARGV  run id, version that the caller has
-- Returns {'OK', version, now ms, base ms, map} · {'SAME', version, now ms} · {'LOST'}
if lost then return {'LOST'} end
local version = redis.call('HGET', KEYS[1], 'version')
if version == ARGV[2] then return {'SAME', version, now} end
return {'OK', version, now, base, redis.call('GET', KEYS[2])}
