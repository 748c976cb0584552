-- finish_load: puts in place what was read from Postgres, and on top of it what was committed meanwhile.
-- ARGV  run id, token, map, holders, then owner, record for each visitor who holds or has booked a seat
-- Returns {'OK'} · {'AGAIN'}: another load has begun since
if redis.call('HGET', KEYS[1], 'load') ~= ARGV[2] then return {'AGAIN'} end
redis.call('SET', KEYS[2], ARGV[3])
redis.call('SET', KEYS[3], ARGV[4])
for i = 5, #ARGV, 2 do redis.call('HSET', KEYS[4], ARGV[i], ARGV[i + 1]) end
local late = redis.call('HGETALL', KEYS[5])
for i = 1, #late, 2 do
  local version, state, ends = string.match(late[i + 1], '^(%d+) (%d+) (%d+) ')
  change(late[i], tonumber(version), tonumber(state), string.sub(late[i + 1], -16), tonumber(ends))
end
redis.call('DEL', KEYS[5])
redis.call('HDEL', KEYS[1], 'load', 'since')
-- The version goes on from the clock in microseconds: higher than any that was told before a loss.
redis.call('HSET', KEYS[1], 'run', ARGV[1], 'version', string.format('%.0f', time[1] * 1000000 + time[2]))
-- A map that nobody needs any more goes after 45 days: the ends of holds, 4 bytes of milliseconds, reach 49. Meta goes first.
redis.call('EXPIRE', KEYS[1], 3888000)
for i = 2, 4 do redis.call('EXPIRE', KEYS[i], 3974400) end
return {'OK'}
