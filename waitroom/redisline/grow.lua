-- grow: numbers below the end of a block that was reserved for this incarnation may be given out.
-- KEYS  meta of one run     ARGV  run_id, incarnation, end of the block
-- Returns {'OK'}, also when nothing has changed · {'LOST'}
local m = redis.call('HMGET', KEYS[1], 'run', 'block', 'incarnation')
if m[1] ~= ARGV[1] then return {'LOST'} end
if m[3] == ARGV[2] and tonumber(ARGV[3]) > tonumber(m[2]) then redis.call('HSET', KEYS[1], 'block', ARGV[3]) end
return {'OK'}
