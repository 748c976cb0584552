-- grow: numbers below the end of a reserved block may be given out.
-- KEYS  meta of one run     ARGV  run_id, end of the block
-- Returns {'OK'} · {'LOST'}
local m = redis.call('HMGET', KEYS[1], 'run', 'block')
if m[1] ~= ARGV[1] then return {'LOST'} end
if tonumber(ARGV[2]) > tonumber(m[2]) then redis.call('HSET', KEYS[1], 'block', ARGV[2]) end
return {'OK'}
