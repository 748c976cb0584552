-- leave: ends a visitor's waiting and his session. A late "done" of an old session never frees a newer one: the jti is compared.
-- KEYS  meta, line, called, active, sessions, used, asking, asked of one run
-- ARGV  run_id, visitor, number (-1: not known), jti ('': whichever), linger ms
-- Returns {'OK'}, also when there was nothing to end · {'LOST'}
if redis.call('HGET', KEYS[1], 'run') ~= ARGV[1] then return {'LOST'} end
local visitor = ARGV[2]
local session = redis.call('HGET', KEYS[5], visitor)
if session then
  local jti, number = string.match(session, '^(%S+) (%d+)')
  if jti ~= 'over' and (ARGV[4] == '' or ARGV[4] == jti) then
    redis.call('HSET', KEYS[5], visitor, 'over ' .. number .. ' ' .. string.format('%.0f', now))
    redis.call('ZADD', KEYS[4], 'LT', now + ARGV[5], visitor)
    redis.call('HINCRBY', KEYS[1], 'left', 1)
  end
end
local number = redis.call('ZSCORE', KEYS[2], visitor)
if number and ARGV[4] == '' then
  redis.call('SETBIT', KEYS[6], number, 1)
  redis.call('ZREM', KEYS[2], visitor)
  redis.call('ZREM', KEYS[3], visitor)
  redis.call('ZREM', KEYS[7], visitor)
  redis.call('ZREM', KEYS[8], visitor)
  redis.call('HINCRBY', KEYS[1], 'left', 1)
end
return {'OK'}
