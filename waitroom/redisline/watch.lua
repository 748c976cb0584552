-- watch: where the line stands.
-- KEYS  meta, line, called, active, sessions, used, lapsed, asking, asked, ends, passed, news, gateways of one run     ARGV  run_id
-- Returns what call returns · {'LOST'}
local m = redis.call('HMGET', KEYS[1], 'run', 'next', 'block', 'watermark', 'entered', 'left', 'limit', 'incarnation', 'holes')
if m[1] ~= ARGV[1] then return {'LOST'} end
return stand(tonumber(m[4]), m[2], m[3], m[5], m[6], tonumber(m[7]), m[8], dug(m[9]))
