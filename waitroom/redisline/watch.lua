-- watch: where the line stands.
-- KEYS  meta, line, called, active, sessions, used, asking, asked of one run     ARGV  run_id
-- Returns what call returns · {'LOST'}
local m = redis.call('HMGET', KEYS[1], 'run', 'next', 'block', 'watermark', 'entered', 'left', 'issued', 'limit')
if m[1] ~= ARGV[1] then return {'LOST'} end
return {'OK', tonumber(m[4]), tonumber(m[2]), tonumber(m[3]), redis.call('ZCOUNT', KEYS[2], m[4], '+inf'), redis.call('ZCARD', KEYS[3]),
  redis.call('ZCOUNT', KEYS[4], '(' .. now, '+inf'), tonumber(m[5]), tonumber(m[6]), now, tonumber(m[7]), tonumber(m[8])}
