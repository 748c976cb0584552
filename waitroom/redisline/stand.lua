-- stand: where the line stands. It stands before call and watch, which answer it; KEYS are theirs. holes: {from, past} each.
local function stand(watermark, next, block, entered, left, limit, incarnation, holes)
  -- numbers of before a loss that are in no hole are unknown, and unknown means present; of the others the set knows who is there
  local waiting = redis.call('ZCOUNT', KEYS[2], string.format('%.0f', math.max(watermark, limit)), '+inf') + math.max(0, limit - watermark)
  local out = {}
  for i, hole in ipairs(holes) do
    local from = math.max(watermark, hole[1])
    if from < hole[2] then
      waiting = waiting - (hole[2] - from) + redis.call('ZCOUNT', KEYS[2], string.format('%.0f', from), string.format('(%.0f', hole[2]))
    end
    out[2 * i - 1], out[2 * i] = hole[1], hole[2]
  end
  return {'OK', watermark, tonumber(next), tonumber(block), waiting, redis.call('ZCARD', KEYS[3]), redis.call('ZCOUNT', KEYS[4], '(' .. now, '+inf'),
    tonumber(entered), tonumber(left), now, limit, tonumber(incarnation), out}
end

-- dug: the holes as stand and call need them: {from, past, when it was jumped last, 0 for never} each.
local function dug(text)
  local holes = {}
  for from, past, jumped in string.gmatch(text, '(%d+) (%d+) (%d+)') do
    holes[#holes + 1] = {tonumber(from), tonumber(past), tonumber(jumped)}
  end
  return holes
end
