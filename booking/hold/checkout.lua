-- checkout: are all these seats held by the visitor? Then they stay his until the end of the checkout.
-- ARGV  run id, owner, checkout ms, seat …
-- Returns {'OK', now ms, end ms} · {'MISSING', seat …}: not held by him, or run out · {'LOST'}
if lost then return {'LOST'} end
local missing, later = {'MISSING'}, now + ARGV[3]
for i = 4, #ARGV do
  local state, _, ends = read(ARGV[i])
  if state ~= 0 or ends <= now or holder(ARGV[i]) ~= ARGV[2] then missing[#missing + 1] = ARGV[i] end
end
if #missing > 1 then return missing end
for i = 4, #ARGV do
  local _, _, ends = read(ARGV[i])
  if ends < later then set_end(ARGV[i], later) end
end
bump()
return {'OK', now, later}
