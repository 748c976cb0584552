-- share: a gateway tells what it has heard of those who wait, and hears what others have told since it asked last. What is older than ARGV[5] is dropped:
-- who has not heard it sees that it is missing. Which gateways there are is kept for longer, and goes on when the line is restored.
-- KEYS  meta, line, called, active, sessions, used, lapsed, asking, asked, ends, passed, news, gateways of one run
-- ARGV  run_id, incarnation that the news are of, how many were told when it asked last, news ('': it only hears), ms that news are kept, the gateway's
--       name, '1' if it tells no more, ms after which a gateway is silent, ms after which it is forgotten, names at most
-- Returns {'OK', incarnation, how many were told, how many gateways are silent, name, ms for each, news …} · {'LOST'}
local m = redis.call('HMGET', KEYS[1], 'run', 'incarnation', 'told')
if m[1] ~= ARGV[1] then return {'LOST'} end
local told = tonumber(m[3] or 0)
if ARGV[4] ~= '' and ARGV[2] == m[2] then
  told = redis.call('HINCRBY', KEYS[1], 'told', 1)
  redis.call('RPUSH', KEYS[12], string.format('%.0f ', now) .. ARGV[4])
  if ARGV[7] == '1' then
    redis.call('ZREM', KEYS[13], ARGV[6])
  else
    redis.call('ZADD', KEYS[13], now, ARGV[6])
  end
  redis.call('ZREMRANGEBYSCORE', KEYS[13], '-inf', now - ARGV[9] - 1)
  redis.call('ZREMRANGEBYRANK', KEYS[13], 0, -ARGV[10] - 1)
end
for _ = 1, 1000 do
  local oldest = redis.call('LINDEX', KEYS[12], 0)
  if not oldest or tonumber(string.match(oldest, '^%d+')) >= now - ARGV[5] then break end
  redis.call('LPOP', KEYS[12])
end
local silent = redis.call('ZRANGEBYSCORE', KEYS[13], now - ARGV[9], '(' .. string.format('%.0f', now - ARGV[8]), 'WITHSCORES')
local out, missed = {'OK', tonumber(m[2]), told, #silent / 2}, told - math.min(tonumber(ARGV[3]), told)
for i = 1, #silent, 2 do
  out[#out + 1], out[#out + 2] = silent[i], now - silent[i + 1]
end
if missed > 0 then
  for _, news in ipairs(redis.call('LRANGE', KEYS[12], string.format('-%.0f', missed), -1)) do
    out[#out + 1] = string.sub(news, string.find(news, ' ', 1, true) + 1)
  end
end
return out
