-- hold: claims seats for a visitor, all or none.
-- KEYS  meta, map, holds, owners of one event
-- ARGV  run_id, owner (16 bytes), hold ms, limit, 1 if strangers' holds count (0 only in a negative control), seat …
-- Returns {'OK', expiry ms, fresh}, fresh 0 when all were his already · {'TAKEN', seat …} · {'LIMIT'} · {'NOSEAT', seat} · {'LOST'}
if redis.call('HGET', KEYS[1], 'run') ~= ARGV[1] then return {'LOST'} end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local owner = ARGV[2]

local function state(seat) return string.byte(redis.call('GETRANGE', KEYS[2], seat * 4, seat * 4)) end

-- his seats: those that he still holds, and those that he has booked
local first, expiry, list = now, 0, {}
local record = redis.call('HGET', KEYS[4], owner)
if record then
  local f, e, seats = string.match(record, '^(%d+) (%d+) (.*)$')
  for seat in string.gmatch(seats, '%d+') do
    local h = redis.call('HGET', KEYS[3], seat)
    if h and string.sub(h, 1, 16) == owner then
      local live = tonumber(string.sub(h, 17)) > now
      if live or state(seat) ~= 0 then list[#list + 1] = seat end
      if live and state(seat) == 0 then first, expiry = tonumber(f), tonumber(e) end
    end
  end
end

local taken, new = {'TAKEN'}, {}
for i = 6, #ARGV do
  local seat = ARGV[i]
  local s = state(seat)
  if not s then return {'NOSEAT', seat} end
  local h = redis.call('HGET', KEYS[3], seat)
  local live = h and tonumber(string.sub(h, 17)) > now
  local mine = live and string.sub(h, 1, 16) == owner
  if s ~= 0 or (live and not mine and ARGV[5] == '1') then
    taken[#taken + 1] = seat
  elseif not mine then
    new[#new + 1] = seat
  end
end
if #taken > 1 then return taken end
if #list + #new > tonumber(ARGV[4]) then return {'LIMIT'} end
if #new == 0 then return {'OK', expiry, 0} end

if expiry <= now then first, expiry = now, now + ARGV[3] end
for _, seat in ipairs(new) do
  redis.call('HSET', KEYS[3], seat, owner .. string.format('%.0f', expiry))
  list[#list + 1] = seat
end
redis.call('HSET', KEYS[4], owner, string.format('%.0f %.0f ', first, expiry) .. table.concat(list, ','))
redis.call('HINCRBY', KEYS[1], 'version', 1)
return {'OK', expiry, 1}
