-- turn: what join, enter and call know of a number that has been called. It stands before them; KEYS are theirs.

-- lapse: the number's turn is over, and nobody has it any more.
local function lapse(number)
  number = string.format('%.0f', number)
  if redis.call('SETBIT', KEYS[7], number, 1) == 0 then redis.call('HINCRBY', KEYS[1], 'lapses', 1) end
  redis.call('ZREMRANGEBYSCORE', KEYS[2], number, number)
  redis.call('ZREM', KEYS[3], number)
  redis.call('ZREM', KEYS[8], number)
  redis.call('ZREM', KEYS[9], number)
  redis.call('ZREM', KEYS[11], number)
end

-- turn: whether a number below the watermark has its turn still. One whose call the line has lost was called when the line was restored; one of
-- a hole, when the hole was jumped. grace is that of the last call, false before the first.
local function turn(number, grace, resumed, since, holes)
  local at = redis.call('ZSCORE', KEYS[3], string.format('%.0f', number))
  if not at and redis.call('GETBIT', KEYS[7], number) == 0 then
    if number < tonumber(resumed) then
      at = since
    else
      for from, past, jumped in string.gmatch(holes, '(%d+) (%d+) (%d+)') do
        if number >= tonumber(from) and number < tonumber(past) and jumped ~= '0' then at = jumped end
      end
    end
  end
  return at and (not grace or now - at <= tonumber(grace))
end
