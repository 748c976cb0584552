-- mine: what a visitor holds and has not booked.
-- KEYS  meta, map, holds, owners of one event
-- ARGV  run_id, owner
-- Returns {'OK', expiry ms, first ms, seat …}, expiry 0 when he holds nothing · {'LOST'}
if redis.call('HGET', KEYS[1], 'run') ~= ARGV[1] then return {'LOST'} end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local out = {'OK', 0, 0}
local record = redis.call('HGET', KEYS[4], ARGV[2])
if not record then return out end
local first, expiry, seats = string.match(record, '^(%d+) (%d+) (.*)$')
for seat in string.gmatch(seats, '%d+') do
  local h = redis.call('HGET', KEYS[3], seat)
  if h and string.sub(h, 1, 16) == ARGV[2] and tonumber(string.sub(h, 17)) > now
      and string.byte(redis.call('GETRANGE', KEYS[2], seat * 4, seat * 4)) == 0 then
    out[#out + 1] = tonumber(seat)
    out[2], out[3] = tonumber(expiry), tonumber(first)
  end
end
return out
