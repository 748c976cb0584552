-- apply: brings committed seat changes to the map. Repeats and late ones are harmless: a seat's version decides.
-- KEYS  meta, map, holds, owners of one event
-- ARGV  run_id, then seat, version, state for each change
-- Returns {'OK'} · {'LOST'}: nothing is loaded; a load under way is called off, because it may have read what was before
if redis.call('HGET', KEYS[1], 'run') ~= ARGV[1] then
  redis.call('HDEL', KEYS[1], 'load')
  return {'LOST'}
end
local changed = false
for i = 2, #ARGV, 3 do
  local seat, version, state = tonumber(ARGV[i]), tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2])
  local at = redis.call('GETRANGE', KEYS[2], seat * 4, seat * 4 + 3)
  if #at == 4 then
    local _, a, b, c = string.byte(at, 1, 4)
    if version > a * 65536 + b * 256 + c then
      redis.call('SETRANGE', KEYS[2], seat * 4, string.char(state, math.floor(version / 65536) % 256, math.floor(version / 256) % 256, version % 256))
      if state == 0 then redis.call('HDEL', KEYS[3], seat) end
      changed = true
    end
  end
end
if changed then redis.call('HINCRBY', KEYS[1], 'version', 1) end
return {'OK'}
