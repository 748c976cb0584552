-- restore: gives a line that has lost its memory what Postgres knows. Only the first of several that try succeeds:
-- numbers have been given out since.
-- KEYS  meta, line, called, active, sessions, used, asking, asked of one run
-- ARGV  run_id, incarnation, watermark, next, block, issued, limit, slack ms, number of used, used …, then visitor, jti, number, entered ms,
--       pass expires ms for each session
-- Returns {'OK'}
if redis.call('HGET', KEYS[1], 'run') == ARGV[1] then return {'OK'} end
for i = 1, #KEYS do redis.call('DEL', KEYS[i]) end
redis.call('HSET', KEYS[1], 'run', ARGV[1], 'incarnation', ARGV[2], 'watermark', ARGV[3], 'next', ARGV[4], 'block', ARGV[5],
  'issued', ARGV[6], 'limit', ARGV[7], 'tokens', 0, 'at', now, 'entered', ARGV[9], 'left', 0)
local last = 9 + ARGV[9]
for i = 10, last do redis.call('SETBIT', KEYS[6], ARGV[i], 1) end
for i = last + 1, #ARGV, 5 do
  redis.call('ZADD', KEYS[4], ARGV[i + 4] + ARGV[8], ARGV[i])
  redis.call('HSET', KEYS[5], ARGV[i], ARGV[i + 1] .. ' ' .. ARGV[i + 2] .. ' ' .. ARGV[i + 3])
end
return {'OK'}
