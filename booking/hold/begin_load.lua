-- begin_load: announces that somebody reads an event's seats from Postgres.
-- KEYS  meta, map, holds, owners of one event
-- ARGV  run_id, token
-- Returns {'OK'}: read, then finish_load · {'LOADED'}: nothing to do · {'BUSY'}: another began less than 3 s ago
local m = redis.call('HMGET', KEYS[1], 'run', 'load', 'since')
if m[1] == ARGV[1] then return {'LOADED'} end
local now = tonumber(redis.call('TIME')[1])
if m[2] and now - tonumber(m[3]) < 3 then return {'BUSY'} end
redis.call('DEL', KEYS[1], KEYS[2], KEYS[3], KEYS[4])
redis.call('HSET', KEYS[1], 'load', ARGV[2], 'since', now)
return {'OK'}
