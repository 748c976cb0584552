-- enter: a called visitor becomes a session. The capacity holds at every instant; while the room is full those who ask keep their turns, and
-- are let in by number, not by how often they ask.
-- KEYS  meta, line, called, active, sessions, used, lapsed, asking, asked, ends, passed, news, gateways of one run
-- ARGV  run_id, visitor (16 bytes), number, jti, capacity, session ms, slack ms, 1 for passthrough, 0 to leave the capacity unchecked (only in a
--       negative control)
-- Returns {'OK', incarnation, entered ms, pass expires ms} · {'SAME', incarnation, entered ms, pass expires ms, jti}: he is inside already ·
--       {'NOTCALLED'} · {'FULL'} · {'USED'} · {'GRACE'} · {'LOST'}
local m = redis.call('HMGET', KEYS[1], 'run', 'watermark', 'incarnation', 'grace', 'resumed', 'since', 'holes', 'limit')
if m[1] ~= ARGV[1] then return {'LOST'} end
local visitor, number = ARGV[2], tonumber(ARGV[3])

-- comes: who was called as gone is here after all.
local function comes()
  if redis.call('ZREM', KEYS[11], ARGV[3]) == 1 then redis.call('HINCRBY', KEYS[1], 'given', 1) end
end

for _, v in ipairs(redis.call('ZRANGEBYSCORE', KEYS[4], '-inf', now, 'LIMIT', 0, 1000)) do
  redis.call('ZREM', KEYS[4], v)
  redis.call('HDEL', KEYS[5], v)
end
local jti, of, entered, over = string.match(redis.call('HGET', KEYS[5], visitor) or '', '^(%S+) (%d+) (%d+) (%d+)$')
if of == ARGV[3] and over == '0' then
  return {'SAME', tonumber(m[3]), tonumber(entered), tonumber(redis.call('ZSCORE', KEYS[4], visitor)) - ARGV[7], jti}
end
if jti and of ~= ARGV[3] then return {'FULL'} end -- his other session lives, or is still being cleared away
if redis.call('GETBIT', KEYS[6], number) == 1 then return {'USED'} end
local inline = tonumber(redis.call('ZSCORE', KEYS[2], visitor) or ARGV[3])
if ARGV[8] ~= '1' then
  if number >= tonumber(m[2]) then return {'NOTCALLED'} end
  -- a place of before a loss counts, though somebody gave him a newer one because he did not show it
  if inline < number or inline > number and number >= tonumber(m[8]) then return {'USED'} end
  if not turn(number, m[4], m[5], m[6], m[7]) then
    lapse(number)
    return {'GRACE'}
  end
  -- who asked within the last ten seconds is still there
  for _, n in ipairs(redis.call('ZRANGEBYSCORE', KEYS[9], '-inf', now - 10000, 'LIMIT', 0, 1000)) do
    redis.call('ZREM', KEYS[8], n)
    redis.call('ZREM', KEYS[9], n)
  end
  local free = tonumber(ARGV[5]) - redis.call('ZCARD', KEYS[4])
  if redis.call('ZCOUNT', KEYS[8], '-inf', '(' .. ARGV[3]) >= free and ARGV[9] ~= '0' then
    redis.call('ZADD', KEYS[8], ARGV[3], ARGV[3])
    redis.call('ZADD', KEYS[9], now, ARGV[3])
    redis.call('ZADD', KEYS[3], now, ARGV[3]) -- he is here: his grace begins anew
    comes()
    return {'FULL'}
  end
elseif redis.call('SETBIT', KEYS[7], number, 0) == 1 then -- his turn had lapsed when there were turns
  redis.call('HINCRBY', KEYS[1], 'lapses', 1)
end
if inline ~= number then lapse(inline) end
redis.call('ZREM', KEYS[2], visitor)
redis.call('ZREM', KEYS[3], ARGV[3])
redis.call('ZREM', KEYS[8], ARGV[3])
redis.call('ZREM', KEYS[9], ARGV[3])
comes()
redis.call('SETBIT', KEYS[6], number, 1)
redis.call('ZADD', KEYS[4], now + ARGV[6] + ARGV[7], visitor)
redis.call('HSET', KEYS[5], visitor, ARGV[4] .. ' ' .. ARGV[3] .. ' ' .. string.format('%.0f', now) .. ' 0')
redis.call('HINCRBY', KEYS[1], 'entered', 1)
return {'OK', tonumber(m[3]), now, now + ARGV[6]}
