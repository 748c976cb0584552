-- begin_load: announces that somebody reads an event's seats from Postgres.
-- ARGV  run id, token
-- Returns {'OK', base ms}: read, then finish_load · {'LOADED'}: nothing to do · {'BUSY'}: another began less than 3 s ago
if not lost then return {'LOADED'} end
local loading = redis.call('HMGET', KEYS[1], 'load', 'since')
if loading[1] and now - loading[2] < 3000 then return {'BUSY'} end
redis.call('DEL', unpack(KEYS))
redis.call('HSET', KEYS[1], 'load', ARGV[2], 'since', now, 'base', now)
redis.call('EXPIRE', KEYS[1], 60)
return {'OK', now}
