-- finish_load: puts in place what was read from Postgres, unless a change has been committed meanwhile.
-- KEYS  meta, map, holds, owners of one event
-- ARGV  run_id, token, map, hold ms, days to keep, then seat, owner, expiry ms for each live hold
-- Returns {'OK'} · {'AGAIN'}: called off; read again
if redis.call('HGET', KEYS[1], 'load') ~= ARGV[2] then return {'AGAIN'} end
local time = redis.call('TIME')
redis.call('SET', KEYS[2], ARGV[3])
local owners = {}
for i = 6, #ARGV, 3 do
  local seat, owner, expiry = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  redis.call('HSET', KEYS[3], seat, owner .. expiry)
  local o = owners[owner]
  if not o then o = {expiry = 0, seats = {}}; owners[owner] = o end
  o.expiry = math.max(o.expiry, tonumber(expiry))
  o.seats[#o.seats + 1] = seat
end
for owner, o in pairs(owners) do
  redis.call('HSET', KEYS[4], owner, string.format('%.0f %.0f ', o.expiry - ARGV[4], o.expiry) .. table.concat(o.seats, ','))
end
-- The version goes on from the clock: higher than any that was told before a loss.
redis.call('HDEL', KEYS[1], 'load', 'since')
redis.call('HSET', KEYS[1], 'run', ARGV[1], 'version', string.format('%.0f', time[1] * 1000000 + time[2]))
local gone = time[1] + ARGV[5] * 86400
redis.call('EXPIREAT', KEYS[1], gone - 60)
for i = 2, 4 do redis.call('EXPIREAT', KEYS[i], gone) end
return {'OK'}
