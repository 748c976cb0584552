-- stand: where the line stands. It stands before call and watch, which answer it, behind dug.lua; KEYS are theirs. holes: as dug.
local function stand(watermark, next, block, entered, left, limit, incarnation, holes)
  -- numbers of before a loss that are in no hole are unknown, and unknown means present; of the others the set knows who is there
  local waiting = redis.call('ZCOUNT', KEYS[2], string.format('%.0f', math.max(watermark, limit)), '+inf') + math.max(0, limit - watermark)
  local s = redis.call('HMGET', KEYS[1], 'lapses', 'grace', 'resumed', 'since', 'stock', 'since_sold', 'given', 'pace')
  local out, over = {}, over(s[2], s[3], s[4], holes, watermark)
  for i, hole in ipairs(holes) do
    local from = math.max(watermark, hole[1])
    if from < hole[2] then
      waiting = waiting - (hole[2] - from) + redis.call('ZCOUNT', KEYS[2], string.format('%.0f', from), string.format('(%.0f', hole[2]))
    end
    out[2 * i - 1], out[2 * i] = hole[1], hole[2]
  end
  local called, active = redis.call('ZCARD', KEYS[3]), redis.call('ZCOUNT', KEYS[4], '(' .. now, '+inf')
  local through = tonumber(s[7] or 0) - called - active + redis.call('ZCARD', KEYS[11])
  local unsold, sold, version = string.match(s[5] or '', '^(%d+) (%d+) (%d+)')
  local served, bought = string.match(s[6] or '', '^(%-?%d+) (%d+)')
  return {'OK', watermark, tonumber(next), tonumber(block), waiting, called, active,
    tonumber(entered), tonumber(left), now, limit, tonumber(incarnation), out, tonumber(s[1] or 0), #over, redis.call('HLEN', KEYS[10]),
    {tonumber(unsold or -1), tonumber(sold or 0), tonumber(version or 0)}, served and through - served or 0, bought and unsold and sold - bought or 0,
    string.match(s[8] or '', '^%S+') or '0'}
end
