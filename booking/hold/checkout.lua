-- checkout: are all these seats held by the visitor? Then they stay his until the end of the checkout.
-- KEYS  meta, map, holds, owners of one event
-- ARGV  run_id, owner, until ms, seat …
-- Returns {'OK'} · {'MISSING', seat …}: not held by him, or run out · {'LOST'}
if redis.call('HGET', KEYS[1], 'run') ~= ARGV[1] then return {'LOST'} end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local missing = {'MISSING'}
for i = 4, #ARGV do
  local h = redis.call('HGET', KEYS[3], ARGV[i])
  if not h or string.sub(h, 1, 16) ~= ARGV[2] or tonumber(string.sub(h, 17)) <= now
      or string.byte(redis.call('GETRANGE', KEYS[2], ARGV[i] * 4, ARGV[i] * 4)) ~= 0 then
    missing[#missing + 1] = tonumber(ARGV[i])
  end
end
if #missing > 1 then return missing end
for i = 4, #ARGV do redis.call('HSET', KEYS[3], ARGV[i], ARGV[2] .. ARGV[3]) end
redis.call('HINCRBY', KEYS[1], 'version', 1)
return {'OK'}
