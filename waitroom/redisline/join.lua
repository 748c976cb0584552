-- join: gives visitors numbers, in the order of ARGV; one who is in the line or inside keeps his.
-- KEYS  meta, line, called, active, sessions, used, asking, asked of one run
-- ARGV  run_id, then visitor (16 bytes) and the number of the place that he shows, or -1, for each
-- Returns {'OK', number, first, jti …} for each visitor, number -1 when the block is spent · {'LOST'}
local m = redis.call('HMGET', KEYS[1], 'run', 'next', 'block', 'limit')
if m[1] ~= ARGV[1] then return {'LOST'} end
local next, block = tonumber(m[2]), tonumber(m[3])
local out = {'OK'}
for i = 2, #ARGV, 2 do
  local visitor, shown = ARGV[i], tonumber(ARGV[i + 1])
  local number, first, jti = redis.call('ZSCORE', KEYS[2], visitor), 0, ''
  if not number then
    local until_ = redis.call('ZSCORE', KEYS[4], visitor)
    local session = until_ and tonumber(until_) > now and redis.call('HGET', KEYS[5], visitor)
    if session then jti, number = string.match(session, '^(%S+) (%d+)') end
    if session and jti ~= 'over' then -- inside
    elseif shown >= 0 and shown < tonumber(m[4]) and redis.call('GETBIT', KEYS[6], shown) == 0 then
      number = shown -- a place of before a loss
      redis.call('ZADD', KEYS[2], ARGV[i + 1], visitor)
    elseif next < block then
      number, first, next = next, 1, next + 1
      redis.call('ZADD', KEYS[2], string.format('%.0f', number), visitor)
    else
      number = -1
    end
    if jti == 'over' then jti = '' end
  end
  local n = #out
  out[n + 1], out[n + 2], out[n + 3] = tonumber(number), first, jti
end
redis.call('HSET', KEYS[1], 'next', string.format('%.0f', next))
return out
