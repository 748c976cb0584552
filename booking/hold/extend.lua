-- extend: moves the clock of a visitor's holds, up to a cap from his first hold.
-- KEYS  meta, map, holds, owners of one event
-- ARGV  run_id, owner, hold ms, cap ms, seat … (what mine returned)
-- Returns {'OK', expiry ms} · {'CAP'} · {'NONE'} · {'LOST'}
if redis.call('HGET', KEYS[1], 'run') ~= ARGV[1] then return {'LOST'} end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local record = redis.call('HGET', KEYS[4], ARGV[2])
if not record or #ARGV < 5 then return {'NONE'} end
local first, expiry, seats = string.match(record, '^(%d+) (%d+) (.*)$')
local later = math.min(now + ARGV[3], first + ARGV[4])
if later <= tonumber(expiry) then return {'CAP'} end
local some = false
for i = 5, #ARGV do
  local h = redis.call('HGET', KEYS[3], ARGV[i])
  if h and string.sub(h, 1, 16) == ARGV[2] and tonumber(string.sub(h, 17)) > now then
    redis.call('HSET', KEYS[3], ARGV[i], ARGV[2] .. string.format('%.0f', later))
    some = true
  end
end
if not some then return {'NONE'} end
redis.call('HSET', KEYS[4], ARGV[2], first .. string.format(' %.0f ', later) .. seats)
redis.call('HINCRBY', KEYS[1], 'version', 1)
return {'OK', later}
