-- restore: a hold that Postgres has and the map does not.
-- KEYS  meta, map, holds, owners of one event
-- ARGV  run_id, then seat, owner, expiry ms for each
-- Returns {'OK'} · {'LOST'}
if redis.call('HGET', KEYS[1], 'run') ~= ARGV[1] then return {'LOST'} end
for i = 2, #ARGV, 3 do
  local seat, owner, expiry = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  redis.call('HSET', KEYS[3], seat, owner .. expiry)
  local record = redis.call('HGET', KEYS[4], owner)
  redis.call('HSET', KEYS[4], owner, record and record .. ',' .. seat or expiry .. ' ' .. expiry .. ' ' .. seat)
end
redis.call('HINCRBY', KEYS[1], 'version', 1)
return {'OK'}
