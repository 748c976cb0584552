-- release: gives held seats back; those of others, and those that are booked, stay.
-- ARGV  run id, owner, seat …
-- Returns {'OK', released seat …} · {'LOST'}
if lost then return {'LOST'} end
local out = {'OK'}
for i = 3, #ARGV do
  local seat = ARGV[i]
  local state, _, ends = read(seat)
  if state == 0 and ends > 0 and holder(seat) == ARGV[2] then
    set_end(seat, 0)
    hand(seat, NOBODY)
    if ends > now then out[#out + 1] = seat end
  end
end
if #out > 1 then bump() end
return out
