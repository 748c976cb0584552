-- share: a gateway tells what it has heard of those who wait, and hears what others have told since it asked last. What is older than ARGV[5] is dropped:
-- who has not heard it sees that it is missing.
-- KEYS  meta, line, called, active, sessions, used, lapsed, asking, asked, ends, passed, news of one run
-- ARGV  run_id, incarnation that the news are of, how many were told when it asked last, news ('': it only hears), ms that news are kept
-- Returns {'OK', incarnation, how many were told, news …} · {'LOST'}
local m = redis.call('HMGET', KEYS[1], 'run', 'incarnation', 'told')
if m[1] ~= ARGV[1] then return {'LOST'} end
local told = tonumber(m[3] or 0)
if ARGV[4] ~= '' and ARGV[2] == m[2] then
  told = redis.call('HINCRBY', KEYS[1], 'told', 1)
  redis.call('RPUSH', KEYS[12], string.format('%.0f ', now) .. ARGV[4])
end
for _ = 1, 1000 do
  local oldest = redis.call('LINDEX', KEYS[12], 0)
  if not oldest or tonumber(string.match(oldest, '^%d+')) >= now - ARGV[5] then break end
  redis.call('LPOP', KEYS[12])
end
local out, missed = {'OK', tonumber(m[2]), told}, told - math.min(tonumber(ARGV[3]), told)
if missed > 0 then
  for _, news in ipairs(redis.call('LRANGE', KEYS[12], string.format('-%.0f', missed), -1)) do
    out[#out + 1] = string.sub(news, string.find(news, ' ', 1, true) + 1)
  end
end
return out
