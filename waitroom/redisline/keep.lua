-- keep: the keys of a line that is called go on for days, and end by themselves when it is called no more. The first, meta, ends hours before the
-- others: a line without it is restored, and one that had it and lacked another would be believed. It stands before call and restore; KEYS are theirs.
local function keep(ms)
  local hour = 3600000
  for i, key in ipairs(KEYS) do
    local most = tonumber(ms)
    if i > 1 then most = most + 2 * hour end
    local left = redis.call('PTTL', key)
    if left ~= -2 and left < most - hour then redis.call('PEXPIRE', key, most) end
  end
end
