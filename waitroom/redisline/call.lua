-- call: moves the watermark past the next numbers, as far as the token bucket, the free slots and the ceiling allow. Any gateway
-- may run it at any time: all that it knows is here, and its clock is that of Redis.
-- KEYS  meta, line, called, active, sessions, used, asking, asked of one run
-- ARGV  run_id, calls per second, burst, capacity, ms a called visitor is expected, ms of grace, ceiling, 1 when nobody is to be called
-- Returns {'OK', watermark, next, block, waiting, called, active, entered, left, now ms, issued, limit} · {'LOST'}
local m = redis.call('HMGET', KEYS[1], 'run', 'next', 'block', 'watermark', 'tokens', 'at', 'issued', 'limit', 'entered', 'left')
if m[1] ~= ARGV[1] then return {'LOST'} end
local watermark = tonumber(m[4])

-- sessions that have run out, and turns that have lapsed
for _, v in ipairs(redis.call('ZRANGEBYSCORE', KEYS[4], '-inf', now, 'LIMIT', 0, 1000)) do
  redis.call('ZREM', KEYS[4], v)
  redis.call('HDEL', KEYS[5], v)
end
for _, v in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', now - ARGV[6], 'LIMIT', 0, 1000)) do
  redis.call('ZREM', KEYS[3], v)
  redis.call('ZREM', KEYS[2], v)
end

local active = redis.call('ZCARD', KEYS[4])
local tokens = tonumber(m[5]) + math.max(0, now - tonumber(m[6])) / 1000 * tonumber(ARGV[2])
tokens = math.min(tokens, tonumber(ARGV[3]))
if ARGV[8] ~= '1' then
  local expected = redis.call('ZCOUNT', KEYS[3], now - ARGV[5], '+inf')
  local n = math.min(math.floor(tokens), tonumber(ARGV[4]) - active - expected)
  local ceiling, issued, limit = tonumber(ARGV[7]), tonumber(m[7]), tonumber(m[8])
  -- numbers of before a loss: who is not in the set is unknown, and unknown means present
  while n > 0 and watermark < issued and watermark < ceiling do
    redis.call('ZADD', KEYS[3], now, '#' .. string.format('%.0f', watermark))
    watermark, n, tokens = watermark + 1, n - 1, tokens - 1
  end
  -- numbers that nobody was seen to get are jumped, and cost nothing
  if watermark >= issued and watermark < limit then watermark = math.min(limit, ceiling) end
  if n > 0 and watermark >= limit then
    local members = redis.call('ZRANGEBYSCORE', KEYS[2], string.format('%.0f', watermark), '(' .. ARGV[7], 'WITHSCORES', 'LIMIT', 0, math.min(n, 1000))
    for i = 1, #members, 2 do
      redis.call('ZADD', KEYS[3], now, members[i])
      watermark, tokens = tonumber(members[i + 1]) + 1, tokens - 1
    end
  end
end
redis.call('HSET', KEYS[1], 'watermark', string.format('%.0f', watermark), 'tokens', tokens, 'at', now)
return {'OK', watermark, tonumber(m[2]), tonumber(m[3]), redis.call('ZCOUNT', KEYS[2], string.format('%.0f', watermark), '+inf'),
  redis.call('ZCARD', KEYS[3]), active, tonumber(m[9]), tonumber(m[10]), now, tonumber(m[7]), tonumber(m[8])}
