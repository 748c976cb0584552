-- stock: what is for sale behind the room, and how much of it those who were called have bought. It stands before call; KEYS are its.

-- newest: the latest stock that a caller has told, as "left sold version told-ms", with what is left of it, -1 when that is not known, and what is sold. One that
-- nobody has confirmed for five seconds gives way to an older one, for the room may have other events; after a minute it is not known any more.
local function newest(kept, left, sold, version)
  local l, s, v, told = string.match(kept or '', '^(%d+) (%d+) (%d+) (%d+)$')
  if v and now - told > 60000 then v = nil end
  if tonumber(left) >= 0 and (not v or tonumber(version) >= tonumber(v) or now - told > 5000) then
    return string.format('%.0f %.0f %.0f %.0f', left, sold, version, now), tonumber(left), tonumber(sold)
  end
  if v then return kept, tonumber(l), tonumber(s) end
  return '', -1, 0
end

-- since: where the measure of what people buy begins, as "served sold served sold": it goes by the people who were through since the first pair, and when
-- so many more are since the second, that becomes the first.
local function since(kept, served, sold, window)
  local s0, b0, s1, b1 = string.match(kept or '', '^(%-?%d+) (%d+) (%-?%d+) (%d+)$')
  if not s1 or sold < tonumber(b1) then
    s0, b0, s1, b1 = served, sold, served, sold
  elseif served - s1 >= tonumber(window) then
    s0, b0, s1, b1 = s1, b1, served, sold
  end
  return string.format('%.0f %.0f %.0f %.0f', s0, b0, s1, b1)
end
