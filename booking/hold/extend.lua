-- extend: moves the end of all of a visitor's holds, up to a cap from his first hold.
-- ARGV  run id, owner, hold ms, cap ms
-- Returns {'OK', end ms, seat …} · {'CAP'} · {'NONE'} · {'LOST'}
if lost then return {'LOST'} end
local first, ends, held = mine(ARGV[2])
if #held == 0 then return {'NONE'} end
local later = math.min(now + ARGV[3], first + ARGV[4])
if later <= ends then return {'CAP'} end
for _, seat in ipairs(held) do
  local _, _, e = read(seat)
  if e < later then set_end(seat, later) end -- one that is being booked may last longer already
end
bump()
return {'OK', later, unpack(held)}
