-- lapses: whose turns have lapsed.
-- KEYS  meta, line, called, active, sessions, used, lapsed, asking, asked, ends, passed, news, gateways of one run     ARGV  run_id
-- Returns {'OK', incarnation, watermark, bitmap of the numbers that have lapsed one by one, {numbers that have since the last call}, {from, past of each
--       range in which all have lapsed but those used and those who have asked since}, bitmap of the used, {numbers who have asked since}} · {'LOST'}
local m = redis.call('HMGET', KEYS[1], 'run', 'incarnation', 'watermark', 'grace', 'resumed', 'since', 'holes')
if m[1] ~= ARGV[1] then return {'LOST'} end
local since, ranges, used, asked = {}, {}, '', {}
if m[4] then since = redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', '(' .. now - m[4]) end
for i, number in ipairs(since) do since[i] = tonumber(number) end
local all = over(m[4], m[5], m[6], dug(m[7]), tonumber(m[3]))
if #all > 0 then
  used = redis.call('GET', KEYS[6]) or ''
  for i, range in ipairs(all) do ranges[2 * i - 1], ranges[2 * i] = range[1], range[2] end
  for _, number in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], now - m[4], '+inf')) do
    local n = tonumber(number)
    for _, range in ipairs(all) do
      if n >= range[1] and n < range[2] then asked[#asked + 1] = n end
    end
  end
end
return {'OK', tonumber(m[2]), tonumber(m[3]), redis.call('GET', KEYS[7]) or '', since, ranges, used, asked}
