-- call: moves the watermark past the next numbers, as far as the token bucket, the free slots and the ceiling allow. Who is said to be gone is called like
-- everybody, but costs neither token nor slot, and a step calls no more than twice the free slots. Any gateway may run it at any time: all else that it
-- knows is here, and its clock is that of Redis.
-- KEYS  meta, line, called, active, sessions, used, lapsed, asking, asked, ends, passed, news, gateways of one run
-- ARGV  run_id, calls per second, burst, capacity, ms a called visitor is expected, ms of grace, ceiling, 1 when nobody is to be called, ms that the keys go
--       on, tickets left or -1, tickets sold, version of that stock, people who may be inside or expected for each ticket left, people through after which the
--       measure of what they buy moves on, ms for which a slower pace that somebody asked for counts, what the pace is
--       a share of, incarnation in which somebody is gone, number that the next argument begins at, bitmap of who is
-- Returns {'OK', watermark, next, block, waiting, called, active, entered, left, now ms, limit, incarnation, {from, past of each hole}, turns that
--       have lapsed one by one, ranges of which all have, ends, {tickets left or -1, sold, version}, people through, tickets that they have bought, calls a second} · {'LOST'}
local m = redis.call('HMGET', KEYS[1], 'run', 'next', 'block', 'watermark', 'tokens', 'at', 'limit', 'entered', 'left', 'holes', 'incarnation', 'given', 'stock', 'since_sold', 'pace')
if m[1] ~= ARGV[1] then return {'LOST'} end
local watermark, limit, holes, given = tonumber(m[4]), tonumber(m[7]), dug(m[10]), tonumber(m[12] or 0)

-- sessions that have run out, and turns that have lapsed
for _, v in ipairs(redis.call('ZRANGEBYSCORE', KEYS[4], '-inf', now, 'LIMIT', 0, 1000)) do
  redis.call('ZREM', KEYS[4], v)
  redis.call('HDEL', KEYS[5], v)
end
for _, number in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', '(' .. now - ARGV[6], 'LIMIT', 0, 1000)) do
  lapse(tonumber(number))
end

local active = redis.call('ZCARD', KEYS[4])
local stock, left, sold = newest(m[13], ARGV[10], ARGV[11], ARGV[12])
local measured = m[14] or ''
if left >= 0 then measured = since(measured, given - active - redis.call('ZCARD', KEYS[3]) + redis.call('ZCARD', KEYS[11]), sold, ARGV[14]) end
-- the slowest pace that anybody asks for counts, until he has not for some time
local pace, paced, most = string.match(m[15] or '', '^(%S+) (%d+) (%S+)$')
if most ~= ARGV[16] or tonumber(ARGV[2]) <= tonumber(pace) or now - paced > tonumber(ARGV[15]) then pace, paced = ARGV[2], now end
local tokens = tonumber(m[5]) + math.max(0, now - tonumber(m[6])) / 1000 * tonumber(pace)
tokens = math.min(tokens, tonumber(ARGV[3]))
if ARGV[8] ~= '1' then
  local expected = redis.call('ZCOUNT', KEYS[3], now - ARGV[5], '+inf') - redis.call('ZCOUNT', KEYS[11], now - ARGV[5], '+inf')
  local free = tonumber(ARGV[4]) - active - expected
  if left == 0 then
    free = 0
  elseif left > 0 then
    free = math.min(free, math.max(1, math.floor(left * tonumber(ARGV[13]))) - active - expected)
  end
  local n, most = math.min(math.floor(tokens), free), 2 * free
  local ceiling, skips, first, gone = tonumber(ARGV[7]), 1000, tonumber(ARGV[18]), ARGV[19]
  if ARGV[17] ~= m[11] then gone = '' end
  local function give(number)
    local text, at = string.format('%.0f', number), number - first
    redis.call('ZADD', KEYS[3], now, text)
    watermark, most = number + 1, most - 1
    if at >= 0 and at < 8 * #gone and bit.band(string.byte(gone, math.floor(at / 8) + 1), bit.rshift(128, at % 8)) ~= 0 then
      redis.call('ZADD', KEYS[11], now, text)
    else
      n, tokens, given = n - 1, tokens - 1, given + 1
    end
    if most <= 0 then n = 0 end
  end
  -- numbers of before a loss: who is not known is present, unless he has left; but of a hole nobody is known to have a number, and it is jumped
  -- at no cost as far as the next who came back with one
  while n > 0 and watermark < limit and watermark < ceiling and skips > 0 do
    local hole
    for _, h in ipairs(holes) do
      if watermark >= h[1] and watermark < h[2] then hole = h end
    end
    if hole then
      local past = math.min(hole[2], ceiling)
      local back = redis.call('ZRANGEBYSCORE', KEYS[2], string.format('%.0f', watermark), string.format('(%.0f', past), 'WITHSCORES', 'LIMIT', 0, 1)
      hole[3] = now
      if back[2] then give(tonumber(back[2])) else watermark = past end
    elseif redis.call('GETBIT', KEYS[6], watermark) == 1 or redis.call('GETBIT', KEYS[7], watermark) == 1 then -- or has got a newer one
      watermark, skips = watermark + 1, skips - 1
    else
      give(watermark)
    end
  end
  if n > 0 and watermark >= limit then
    local members = redis.call('ZRANGEBYSCORE', KEYS[2], string.format('%.0f', watermark), '(' .. ARGV[7], 'WITHSCORES', 'LIMIT', 0, math.min(most, 1000))
    for i = 2, #members, 2 do
      if n > 0 then give(tonumber(members[i])) end
    end
  end
end
local text = {}
for i, h in ipairs(holes) do text[i] = string.format('%.0f %.0f %.0f', h[1], h[2], h[3]) end
redis.call('HSET', KEYS[1], 'watermark', string.format('%.0f', watermark), 'tokens', tokens, 'at', now, 'grace', ARGV[6], 'holes', table.concat(text, ','),
  'given', string.format('%.0f', given), 'stock', stock, 'since_sold', measured,
  'pace', pace .. ' ' .. string.format('%.0f', paced) .. ' ' .. ARGV[16])
keep(ARGV[9])
return stand(watermark, m[2], m[3], m[8], m[9], limit, m[11], holes)
