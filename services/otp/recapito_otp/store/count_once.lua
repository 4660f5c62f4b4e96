-- Counts a send against the address that asks for it, or against the prefix that it goes to.
-- KEYS: sends. ARGV: now, member, most, window in ms. Gives the milliseconds to wait; 0: counted.
local now, windows = tonumber(ARGV[1]), {tonumber(ARGV[3]), tonumber(ARGV[4])}
if redis.call('ZSCORE', KEYS[1], ARGV[2]) then
  return 0 -- the same request again
end
local wait = wait_for_room(KEYS[1], now, windows)
if wait == 0 then
  count_send(KEYS[1], now, ARGV[2], windows)
end
return wait
