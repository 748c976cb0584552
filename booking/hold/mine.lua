-- mine: what a visitor holds and has not booked.
-- ARGV  run id, owner
-- Returns {'OK', end ms, seat …}, end 0 when he holds nothing · {'LOST'}
if lost then return {'LOST'} end
local _, ends, held = mine(ARGV[2])
return {'OK', ends, unpack(held)}
