-- hold: claims seats for a visitor: of blocks of equal size the first that is wholly free or his, and leaves no seat alone. A block is claimed
-- whole or not at all. A block that would leave a free seat without a free neighbour, which it had, is passed over; when seats are named that
-- could be had instead, it is passed over only while one block of those is free and leaves none alone: so a refusal always comes with a choice.
-- A block is its seats and then a text of numbers, three for each free seat that it may leave alone: a seat of the block, the seat beside it, and
-- the one beyond, -1 when there is none or it is of the block too. An empty text asks nothing.
-- Who has let several holds go unpaid waits before he gets the next seat. A request that has a name is granted once: repeated, it gets the seats that
-- it got, while they are his.
-- ARGV  run id, owner (16 bytes), hold ms, limit, 1 if strangers' holds count (0 only in a negative control), how many unpaid (0: nobody waits),
--       cool of meta, name of the request or nothing, ms for which it is remembered, blocks, seats a block, seats a block of those to be had instead (0: none are named), the blocks, the blocks to be had instead
-- Returns {'OK', end ms, block (0 …), newly held seat …} · {'TAKEN', seat … of the first block} · {'LIMIT'} · {'NOSEAT'} · {'LOST'} · {'COOL', end ms of the wait} ·
--       {'DONE', end ms, seat …}: granted before ·
--       {'ALONE', seats that were asked for and are not his, block to be had instead (0 …, -1: none named), seat that would be left alone …}
if lost then return {'LOST'} end
local owner, size, instead, blocks = ARGV[2], tonumber(ARGV[11]), tonumber(ARGV[12]), 13
local behind = blocks + tonumber(ARGV[10]) * (size + 1) -- the first of those to be had instead
if ARGV[6] ~= '0' and m[3] ~= ARGV[7] then
  redis.call('HSET', KEYS[1], 'cool', ARGV[7])
  m[3] = ARGV[7]
elseif ARGV[6] == '0' and m[3] then
  redis.call('HDEL', KEYS[1], 'cool')
  m[3] = false
end

local function is_free(seat)
  local state, _, ends = read(seat)
  return state == 0 and ends <= now
end

-- the seats that lose their last free neighbour to these new seats
local function left_alone(new, beside)
  local taken, seen, alone = {}, {}, {}
  for _, seat in ipairs(new) do taken[seat] = true end
  for seat, neighbour, beyond in string.gmatch(beside, '(%d+) (%d+) (-?%d+)') do
    if taken[seat] and not seen[neighbour] and is_free(neighbour) and (beyond == '-1' or not is_free(beyond)) then
      seen[neighbour] = true
      alone[#alone + 1] = neighbour
    end
  end
  return alone
end

-- when the visitor's wait ends, if he must wait
local function cooling()
  local times, ends = string.match(m[3] and redis.call('GET', unpaid_key(owner)) or '', '^%d+ (%d+) (%d+)$')
  if times and tonumber(times) >= tonumber(ARGV[6]) and tonumber(ends) > now then return tonumber(ends) end
end

-- the first block to be had instead that is free and leaves no seat alone
local function other()
  for from = behind, #ARGV, instead + 1 do
    local block, free = {}, true
    for i = from, from + instead - 1 do
      free = free and is_free(ARGV[i])
      block[#block + 1] = ARGV[i]
    end
    if free and #left_alone(block, ARGV[from + instead]) == 0 then return (from - behind) / (instead + 1) end
  end
end

local function done_key() return string.gsub(KEYS[1], 'meta$', 'done:') .. ARGV[8] end

if ARGV[8] ~= '' then
  local got, his, last = {'DONE', 0}, true, 0
  for seat in string.gmatch(redis.call('GET', done_key()) or '', '%d+') do
    local _, _, ends = read(seat)
    his, last = his and ends > now and holder(seat) == owner, ends
    got[#got + 1] = seat
  end
  if #got > 2 and his then
    got[2] = last
    return got
  end
end

local refused, lonely
for from = blocks, behind - 1, size + 1 do
  local taken, new, block = {'TAKEN'}, {}, (from - blocks) / (size + 1)
  for i = from, from + size - 1 do
    local seat = ARGV[i]
    local state, _, ends = read(seat)
    if not state then return {'NOSEAT'} end
    local his = ends > now and holder(seat) == owner
    if state ~= 0 or (ends > now and not his and ARGV[5] == '1') then
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
    if #new == 0 then return {'OK', ends, block} end
    if #held + #booked + #new > tonumber(ARGV[4]) then return {'LIMIT'} end
    if #over > 0 then
      local _, _, e = read(over[1])
      unpaid(owner, e)
    end
    local wait = cooling()
    if wait then return {'COOL', wait} end
    local alone = left_alone(new, ARGV[from + size])
    local choice = #alone > 0 and instead > 0 and other()
    if #alone == 0 or (instead > 0 and not choice) then
      if ends == 0 then first, ends = now, now + ARGV[3] end -- the first hold; all others share its clock
      for _, seat in ipairs(over) do redis.call('SETRANGE', KEYS[3], seat * 16, NOBODY) end
      for _, seat in ipairs(new) do
        local was = holder(seat)
        if was ~= NOBODY and was ~= owner then
          local _, _, e = read(seat)
          unpaid(was, e)
          forget(was, seat)
        end
        redis.call('SETRANGE', KEYS[3], seat * 16, owner)
        set_end(seat, ends)
        held[#held + 1] = seat
      end
      for _, seat in ipairs(booked) do held[#held + 1] = seat end
      keep(owner, first, held)
      if ARGV[8] ~= '' then redis.call('SET', done_key(), table.concat({unpack(ARGV, from, from + size - 1)}, ','), 'PX', ARGV[9]) end
      bump()
      return {'OK', ends, block, unpack(new)}
    end
    lonely = lonely or {'ALONE', #new, choice or -1, unpack(alone)}
  end
end
return lonely or refused
