-- Keeps the facts of an event, and forgets those that were kept longest ago beyond a number of events: this Redis sells seats, and must not
-- fill up with what people look at.
-- KEYS: 1 facts (hash: event → packed facts), 2 since when (sorted set: event → unix ms)
-- ARGV: 1 event, 2 packed facts, 3 events at most
-- Returns: how many were forgotten
local now = redis.call('TIME')
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('ZADD', KEYS[2], now[1] * 1000 + math.floor(now[2] / 1000), ARGV[1])
local over = redis.call('ZCARD', KEYS[2]) - tonumber(ARGV[3])
if over <= 0 then
    return 0
end
local oldest = redis.call('ZPOPMIN', KEYS[2], math.min(over, 100))
for i = 1, #oldest, 2 do
    redis.call('HDEL', KEYS[1], oldest[i])
end
return #oldest / 2
