-- leave: ends a visitor's waiting and his session. Neither a late "done" of an old session nor an old place ever frees a newer one: the jti is
-- compared, or the number.
-- KEYS  meta, line, called, active, sessions, used, lapsed, asking, asked, ends, passed, news, gateways of one run
-- ARGV  run_id, visitor, number (-1: not known), jti ('': that of the number), linger ms
-- Returns {'OK', jti, number, entered ms of the session that is over}, a jti of '' when there was none · {'LOST'}
local m = redis.call('HMGET', KEYS[1], 'run', 'next')
if m[1] ~= ARGV[1] then return {'LOST'} end
local visitor, number = ARGV[2], tonumber(ARGV[3])
local jti, of, entered, over = string.match(redis.call('HGET', KEYS[5], visitor) or '', '^(%S+) (%d+) (%d+) (%d+)$')
if jti and (jti == ARGV[4] or ARGV[4] == '' and of == ARGV[3]) then
  if over == '0' then
    close(visitor, jti, of, entered, ARGV[5])
    redis.call('HSET', KEYS[10], of, visitor .. jti .. ' ' .. entered)
  end
  return {'OK', jti, tonumber(of), tonumber(entered)}
end
if ARGV[4] == '' then -- he asks again, and his slot is free already
  local kept = redis.call('HGET', KEYS[10], ARGV[3]) or ''
  local ended, since = string.match(kept, '^(%S+) (%d+)$', 17)
  if ended and string.sub(kept, 1, 16) == visitor then return {'OK', ended, number, tonumber(since)} end
end
if ARGV[4] == '' and number >= 0 and number < tonumber(m[2]) and redis.call('GETBIT', KEYS[6], number) == 0 and redis.call('GETBIT', KEYS[7], number) == 0 then
  redis.call('SETBIT', KEYS[6], number, 1)
  redis.call('ZREMRANGEBYSCORE', KEYS[2], number, number)
  redis.call('ZREM', KEYS[3], ARGV[3])
  redis.call('ZREM', KEYS[8], ARGV[3])
  redis.call('ZREM', KEYS[9], ARGV[3])
  redis.call('ZREM', KEYS[11], ARGV[3])
  redis.call('HINCRBY', KEYS[1], 'left', 1)
end
return {'OK', '', 0, 0}
