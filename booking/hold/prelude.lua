-- prelude: stands before every script of this package.
-- KEYS  meta, map, holders, owners, late of one event, all under its hash tag
--   meta     hash    run id of the Redis that it was loaded into, base (ms), version; while it is loaded: load (token), since (ms); cool: how
--                    long who lets holds go unpaid waits, and how long that is remembered beyond (ms), missing when nobody waits
--   map      string  8 bytes a seat: state · version (3) · end of the hold (4: ms after base, 0 none)
--   holders  string  16 bytes a seat: the visitor who holds it or has booked it, zeros for nobody
--   owners   hash    visitor → "first-hold-ms seat,seat": the seats whose holder he is
--   late     hash    seat → change that was committed while the map was being loaded
--   unpaid   string  a key of its own for each visitor who let a hold go unpaid, under the same hash tag, gone when it is forgotten:
--                    "first-hold-ms of the last such, how many, end ms of the wait"
--   done     string  a key of its own for each request with a name that was granted: "seat,seat"
-- ARGV  run id that the caller's connections saw; what follows is the script's
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local m = redis.call('HMGET', KEYS[1], 'run', 'base', 'cool')
local lost, base = m[1] ~= ARGV[1], tonumber(m[2] or 0)
local NOBODY = string.rep('\0', 16)

-- state, version and end of the hold (ms, 0 none) of a seat; nothing when there is no such seat
local function read(seat)
  local eight = redis.call('GETRANGE', KEYS[2], seat * 8, seat * 8 + 7)
  if #eight < 8 then return end
  local head, after = struct.unpack('>I4I4', eight)
  return math.floor(head / 16777216), head % 16777216, after > 0 and after + base or 0
end

local function after_base(ends) return math.min(math.max(ends - base, 0), 4294967295) end

local function holder(seat) return redis.call('GETRANGE', KEYS[3], seat * 16, seat * 16 + 15) end

local function record(owner)
  local first, seats = string.match(redis.call('HGET', KEYS[4], owner) or '', '^(%d+) (.*)$')
  local list = {}
  for seat in string.gmatch(seats or '', '%d+') do list[#list + 1] = seat end
  return first, list
end

-- writes a visitor's record; one without seats goes, so that there are never more records than seats
local function keep(owner, first, list)
  if #list == 0 then
    redis.call('HDEL', KEYS[4], owner)
  elseif redis.call('HSET', KEYS[4], owner, string.format('%.0f ', first) .. table.concat(list, ',')) == 1 then
    redis.call('EXPIRE', KEYS[4], 5184000) -- outlives meta, which goes first
  end
end

-- takes a seat out of a visitor's record
local function forget(owner, seat)
  local first, list = record(owner)
  local left = {}
  for _, s in ipairs(list) do
    if s ~= seat then left[#left + 1] = s end
  end
  if #left < #list then keep(owner, first, left) end
end

-- puts a seat into a visitor's record
local function remember(owner, seat, first)
  local f, list = record(owner)
  for _, s in ipairs(list) do
    if s == seat then return end
  end
  list[#list + 1] = seat
  keep(owner, f or first, list)
end

-- makes somebody, or nobody, the holder of a seat. The records always say the same as the holders.
local function hand(seat, owner, first)
  local was = holder(seat)
  if was == owner then return end
  redis.call('SETRANGE', KEYS[3], seat * 16, owner)
  if was ~= NOBODY then forget(was, seat) end
  if owner ~= NOBODY then remember(owner, seat, first) end
end

local function set_end(seat, ends) redis.call('SETRANGE', KEYS[2], seat * 8 + 4, struct.pack('>I4', after_base(ends))) end

-- what a visitor has: his first hold and the end that his live holds share, the seats that he holds, those that he has booked, and
-- those whose hold has run out
local function mine(owner)
  local first, list = record(owner)
  local ends, held, booked, over = 0, {}, {}, {}
  for _, seat in ipairs(list) do
    local state, _, e = read(seat)
    if state ~= 0 then
      booked[#booked + 1] = seat
    elseif e > now then
      held[#held + 1] = seat
      if ends == 0 or e < ends then ends = e end
    else
      over[#over + 1] = seat
    end
  end
  return tonumber(first or now), ends, held, booked, over
end

local function unpaid_key(owner)
  return string.gsub(KEYS[1], 'meta$', 'unpaid:') .. string.gsub(owner, '.', function(c) return string.format('%02x', string.byte(c)) end)
end

-- counts a hold or reservation that ran out at the end, once for all that share its clock. Who has paid for a seat, or is about to, let nothing go.
local function unpaid(owner, ends)
  local cool, beyond = string.match(m[3] or '', '^(%d+) (%d+)$')
  if not cool or owner == NOBODY then return end
  local first, list = record(owner)
  for _, seat in ipairs(list) do
    local state, _, e = read(seat)
    if state == 2 or state == 3 or (e > now and state < 2) then return end
  end
  local key, wait = unpaid_key(owner), ends + cool
  local last, times = string.match(redis.call('GET', key) or '', '^(%d+) (%d+) ')
  if not first or first == last or wait + beyond <= now then return end
  redis.call('SET', key, string.format('%s %d %.0f', first, (times or 0) + 1, wait), 'PX', string.format('%.0f', wait + beyond - now))
end

-- brings a committed change to the map if it is newer than what the map has
local function change(seat, version, state, owner, ends)
  local was, v, over = read(seat)
  local lapsed
  if not v or version <= v then return false end
  if state == 0 or state == 4 then owner, ends = NOBODY, 0 end
  if state == 0 and was == 1 and over <= now then lapsed = holder(seat) end
  if state == 3 then redis.call('DEL', unpaid_key(owner)) end
  redis.call('SETRANGE', KEYS[2], seat * 8, struct.pack('>I4I4', state * 16777216 + version, after_base(ends)))
  if lapsed then unpaid(lapsed, over) end
  hand(seat, owner, now)
  return true
end

local function bump() redis.call('HINCRBY', KEYS[1], 'version', 1) end
