-- close: the session of a visitor who has left is over, and its slot free when every gateway has heard of it. It stands before leave and noted; KEYS are
-- theirs.
local function close(visitor, jti, of, entered, linger)
  redis.call('HSET', KEYS[5], visitor, jti .. ' ' .. of .. ' ' .. entered .. ' ' .. string.format('%.0f', now))
  redis.call('ZADD', KEYS[4], 'LT', now + linger, visitor)
  redis.call('HINCRBY', KEYS[1], 'left', 1)
end
