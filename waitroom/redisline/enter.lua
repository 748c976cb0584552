-- enter: a called visitor becomes a session. The capacity holds at every instant; while the room is full those who ask are let in
-- by number, not by how often they ask.
-- KEYS  meta, line, called, active, sessions, used, asking, asked of one run
-- ARGV  run_id, visitor (16 bytes), number, jti, capacity, session ms, slack ms, grace ms, 1 for passthrough, 0 to leave the capacity
--       unchecked (only in a negative control)
-- Returns {'OK', entered ms, pass expires ms} · {'SAME', jti, entered ms, pass expires ms}: he is inside already · {'NOTCALLED'} ·
--       {'FULL'} · {'USED'} · {'GRACE'} · {'LOST'}
local m = redis.call('HMGET', KEYS[1], 'run', 'watermark', 'limit')
if m[1] ~= ARGV[1] then return {'LOST'} end
local visitor, number = ARGV[2], tonumber(ARGV[3])

for _, v in ipairs(redis.call('ZRANGEBYSCORE', KEYS[4], '-inf', now, 'LIMIT', 0, 1000)) do
  redis.call('ZREM', KEYS[4], v)
  redis.call('HDEL', KEYS[5], v)
end
local session = redis.call('HGET', KEYS[5], visitor)
if session then
  local jti, n, entered = string.match(session, '^(%S+) (%d+) (%d+)$')
  if jti ~= 'over' and tonumber(n) == number then
    return {'SAME', jti, tonumber(entered), tonumber(redis.call('ZSCORE', KEYS[4], visitor)) - ARGV[7]}
  end
  if tonumber(n) ~= number then return {'FULL'} end -- his last session is still being cleared away
end
if redis.call('GETBIT', KEYS[6], number) == 1 then return {'USED'} end
if ARGV[9] ~= '1' then
  if number >= tonumber(m[2]) then return {'NOTCALLED'} end
  local inline = redis.call('ZSCORE', KEYS[2], visitor)
  if inline and tonumber(inline) ~= number then return {'USED'} end
  local placeholder = '#' .. ARGV[3]
  local called = redis.call('ZSCORE', KEYS[3], visitor) or redis.call('ZSCORE', KEYS[3], placeholder)
  if not inline and not called and number >= tonumber(m[3]) then return {'GRACE'} end
  if called and now - tonumber(called) > tonumber(ARGV[8]) then
    redis.call('ZREM', KEYS[2], visitor)
    redis.call('ZREM', KEYS[3], visitor, placeholder)
    return {'GRACE'}
  end
  -- who asked within the last ten seconds is still there
  for _, v in ipairs(redis.call('ZRANGEBYSCORE', KEYS[8], '-inf', now - 10000, 'LIMIT', 0, 1000)) do
    redis.call('ZREM', KEYS[7], v)
    redis.call('ZREM', KEYS[8], v)
  end
  local free = tonumber(ARGV[5]) - redis.call('ZCARD', KEYS[4])
  if redis.call('ZCOUNT', KEYS[7], '-inf', '(' .. ARGV[3]) >= free and ARGV[10] ~= '0' then
    redis.call('ZADD', KEYS[7], ARGV[3], visitor)
    redis.call('ZADD', KEYS[8], now, visitor)
    return {'FULL'}
  end
  redis.call('ZREM', KEYS[3], visitor, placeholder)
  redis.call('ZREM', KEYS[7], visitor)
  redis.call('ZREM', KEYS[8], visitor)
end
redis.call('ZREM', KEYS[2], visitor)
redis.call('SETBIT', KEYS[6], number, 1)
redis.call('ZADD', KEYS[4], now + ARGV[6] + ARGV[7], visitor)
redis.call('HSET', KEYS[5], visitor, ARGV[4] .. ' ' .. ARGV[3] .. ' ' .. string.format('%.0f', now))
redis.call('HINCRBY', KEYS[1], 'entered', 1)
return {'OK', now, now + ARGV[6]}
