-- apply: brings committed seat changes to the map. Repeats and late ones are harmless: a seat's version decides. While the map is being
-- loaded they wait beside it, because the load may have read what was before; when nothing is loaded they are not needed.
-- ARGV  run id, then seat, version, state, owner (16 bytes), end ms for each change
-- Returns {'OK'} · {'LOST'}
if lost then
  if redis.call('HEXISTS', KEYS[1], 'load') == 1 then
    for i = 2, #ARGV, 5 do
      local waiting = redis.call('HGET', KEYS[5], ARGV[i])
      if not waiting or tonumber(string.match(waiting, '^%d+')) < tonumber(ARGV[i + 1]) then
        redis.call('HSET', KEYS[5], ARGV[i], ARGV[i + 1] .. ' ' .. ARGV[i + 2] .. ' ' .. ARGV[i + 4] .. ' ' .. ARGV[i + 3])
      end
    end
    redis.call('EXPIRE', KEYS[5], 60)
  end
  return {'LOST'}
end
local changed = false
for i = 2, #ARGV, 5 do
  changed = change(ARGV[i], tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2]), ARGV[i + 3], tonumber(ARGV[i + 4])) or changed
end
if changed then bump() end
return {'OK'}
