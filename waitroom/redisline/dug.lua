-- dug: the holes as call, watch and lapses need them: {from, past, when it was jumped last, 0 for never} each.
local function dug(text)
  local holes = {}
  for from, past, jumped in string.gmatch(text, '(%d+) (%d+) (%d+)') do
    holes[#holes + 1] = {tonumber(from), tonumber(past), tonumber(jumped)}
  end
  return holes
end

-- over: the ranges of which all turns have lapsed that nobody has taken: {from, past} each. Whoever had been called before a loss was called again
-- when the line was restored, and whoever has a number of a hole when that was jumped.
local function over(grace, resumed, since, holes, watermark)
  local out = {}
  if not grace then return out end
  if tonumber(resumed) > 0 and now - since > tonumber(grace) then out[1] = {0, tonumber(resumed)} end
  for _, h in ipairs(holes) do
    if h[3] > 0 and now - h[3] > tonumber(grace) then out[#out + 1] = {h[1], math.min(h[2], watermark)} end
  end
  return out
end
