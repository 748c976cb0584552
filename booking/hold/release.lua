-- release: gives held seats back; those of others, and those that are booked, stay.
-- KEYS  meta, map, holds, owners of one event
-- ARGV  run_id, owner, seat …
-- Returns {'OK', released seat …} · {'LOST'}
if redis.call('HGET', KEYS[1], 'run') ~= ARGV[1] then return {'LOST'} end
local out = {'OK'}
for i = 3, #ARGV do
  local seat = ARGV[i]
  local h = redis.call('HGET', KEYS[3], seat)
  if h and string.sub(h, 1, 16) == ARGV[2] and string.byte(redis.call('GETRANGE', KEYS[2], seat * 4, seat * 4)) == 0 then
    redis.call('HDEL', KEYS[3], seat)
    out[#out + 1] = tonumber(seat)
  end
end
if #out > 1 then redis.call('HINCRBY', KEYS[1], 'version', 1) end
return out
