-- hold: claims seats for a visitor: of blocks of equal size the first that is wholly free or his. A block is claimed whole or not at all.
-- ARGV  run id, owner (16 bytes), hold ms, limit, seats a block, 1 if strangers' holds count (0 only in a negative control), seat …
-- Returns {'OK', end ms, block (0 …), newly held seat …} · {'TAKEN', seat … of the first block} · {'LIMIT'} · {'NOSEAT'} · {'LOST'}
if lost then return {'LOST'} end
local owner, size = ARGV[2], tonumber(ARGV[5])
local refused
for from = 7, #ARGV, size do
  local taken, new = {'TAKEN'}, {}
  for i = from, from + size - 1 do
    local seat = ARGV[i]
    local state, _, ends = read(seat)
    if not state then return {'NOSEAT'} end
    local his = ends > now and holder(seat) == owner
    if state ~= 0 or (ends > now and not his and ARGV[6] == '1') then
      taken[#taken + 1] = seat
      if refused then break end -- nobody asks which of a later block
    elseif not his then
      new[#new + 1] = seat
    end
  end
  if #taken > 1 then
    refused = refused or taken
  else
    local first, ends, held, booked, over = mine(owner)
    if #new == 0 then return {'OK', ends, (from - 7) / size} end
    if #held + #booked + #new > tonumber(ARGV[4]) then return {'LIMIT'} end
    if ends == 0 then first, ends = now, now + ARGV[3] end -- the first hold; all others share its clock
    for _, seat in ipairs(over) do redis.call('SETRANGE', KEYS[3], seat * 16, NOBODY) end
    for _, seat in ipairs(new) do
      local was = holder(seat)
      if was ~= NOBODY and was ~= owner then forget(was, seat) end
      redis.call('SETRANGE', KEYS[3], seat * 16, owner)
      set_end(seat, ends)
      held[#held + 1] = seat
    end
    for _, seat in ipairs(booked) do held[#held + 1] = seat end
    keep(owner, first, held)
    bump()
    return {'OK', ends, (from - 7) / size, unpack(new)}
  end
end
return refused
