-- restore: gives a line that has lost its memory what Postgres knows. Of several that try the newest incarnation stays: it knows every admission
-- that Postgres has let through.
-- KEYS  meta, line, called, active, sessions, used, lapsed, asking, asked, ends, passed, news, gateways of one run
-- ARGV  run_id, incarnation, watermark, next, block, limit, holes as "from past 0,…", slack ms, how many have entered, used numbers as a bitmap,
--       ms that the keys go on, then visitor (16 bytes) with "jti number entered-ms pass-expires-ms" behind it for each session
-- Returns {'OK'}
local m = redis.call('HMGET', KEYS[1], 'run', 'incarnation')
if m[1] == ARGV[1] and tonumber(m[2]) >= tonumber(ARGV[2]) then return {'OK'} end
for i = 1, #KEYS do
  if i ~= 10 and i ~= 13 then redis.call('DEL', KEYS[i]) end -- what is to be noted stays to be noted, and a gateway that is cut off is one still
end
redis.call('HSET', KEYS[1], 'run', ARGV[1], 'incarnation', ARGV[2], 'watermark', ARGV[3], 'resumed', ARGV[3], 'since', now, 'next', ARGV[4],
  'block', ARGV[5], 'limit', ARGV[6], 'holes', ARGV[7], 'tokens', 0, 'at', now, 'entered', ARGV[9], 'left', 0)
if ARGV[10] ~= '' then redis.call('SET', KEYS[6], ARGV[10]) end
for i = 12, #ARGV do
  local visitor = string.sub(ARGV[i], 1, 16)
  local session, expires = string.match(ARGV[i], '^(%S+ %d+ %d+) (%d+)$', 17)
  local jti, number = string.match(session, '^(%S+) (%d+)')
  if string.match(redis.call('HGET', KEYS[10], number) or '', '^(%S+) %d+$', 17) ~= jti then
    redis.call('ZADD', KEYS[4], expires + ARGV[8], visitor)
    redis.call('HSET', KEYS[5], visitor, session .. ' 0')
  end
end
keep(ARGV[11])
return {'OK'}
