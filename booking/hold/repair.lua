-- repair: brings what Postgres says about seats to a map that said otherwise: newer states, and holds that the map has lost.
-- ARGV  run id, then seat, version, state, owner (16 bytes), end ms for each seat
-- Returns {'OK'} · {'LOST'}
if lost then return {'LOST'} end
local changed = false
for i = 2, #ARGV, 5 do
  local seat, version, state, owner, ends = ARGV[i], tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2]), ARGV[i + 3], tonumber(ARGV[i + 4])
  changed = change(seat, version, state, owner, ends) or changed
  if state == 0 and ends > now and owner ~= NOBODY then
    local s, v, e = read(seat)
    if s == 0 and v == version and e <= now then -- no other hold has come since Postgres was asked
      set_end(seat, ends)
      hand(seat, owner, now)
      changed = true
    end
  end
end
if changed then bump() end
return {'OK'}
