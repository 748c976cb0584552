-- join: gives visitors numbers, in the order of ARGV; one who is in the line or inside keeps his, unless his turn has lapsed.
-- KEYS  meta, line, called, active, sessions, used, lapsed, asking, asked, ends, passed, news, gateways of one run
-- ARGV  run_id, then visitor (16 bytes) and the number of the place that he shows, or -1, for each
-- Returns {'OK', number, first, jti …} for each visitor, number -1 when the block is spent · {'LOST'}
local m = redis.call('HMGET', KEYS[1], 'run', 'next', 'block', 'limit', 'watermark', 'grace', 'resumed', 'since', 'holes')
if m[1] ~= ARGV[1] then return {'LOST'} end
local next, block, limit, watermark = tonumber(m[2]), tonumber(m[3]), tonumber(m[4]), tonumber(m[5])
local function good(number) return number >= watermark or turn(number, m[6], m[7], m[8], m[9]) end
local out = {'OK'}
for i = 2, #ARGV, 2 do
  local visitor, shown = ARGV[i], tonumber(ARGV[i + 1])
  local number, first, jti = redis.call('ZSCORE', KEYS[2], visitor), 0, ''
  number = number and tonumber(number)
  local kept = shown >= 0 and shown < limit and redis.call('GETBIT', KEYS[6], shown) == 0 and good(shown) -- a place of before a loss
  if number and (not good(number) or kept and shown < number) then
    lapse(number)
    number = nil
  end
  if not number then
    local slot = redis.call('ZSCORE', KEYS[4], visitor)
    local session = slot and tonumber(slot) > now and redis.call('HGET', KEYS[5], visitor)
    local live, of, over = string.match(session or '', '^(%S+) (%d+) %d+ (%d+)$')
    if over == '0' then -- inside
      jti, number = live, tonumber(of)
    elseif kept then
      number = shown
      redis.call('ZADD', KEYS[2], ARGV[i + 1], visitor)
      if redis.call('SETBIT', KEYS[7], shown, 0) == 1 then -- given up for another of before a loss, and taken up again
        redis.call('HINCRBY', KEYS[1], 'lapses', 1)
      end
    elseif next < block then
      number, first, next = next, 1, next + 1
      redis.call('ZADD', KEYS[2], string.format('%.0f', number), visitor)
    else
      number = -1
    end
  end
  local n = #out
  out[n + 1], out[n + 2], out[n + 3] = number, first, jti
end
redis.call('HSET', KEYS[1], 'next', string.format('%.0f', next))
return out
