-- now: the clock of every script that needs one, in whole milliseconds: that of Redis, which all gateways share. It stands before the script.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
