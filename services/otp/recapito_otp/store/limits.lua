-- Sends are counted in a sorted set: a member a send, its instant (ms) the score. Shared by the scripts that send.
-- windows: most, milliseconds, most, milliseconds, … the longest last.

-- Milliseconds until one more send fits into every window; 0: it fits now.
local function wait_for_room(key, now, windows)
  local wait = 0
  for i = 1, #windows, 2 do
    -- the send that must have left the window before another fits
    local oldest = redis.call('ZREVRANGE', key, windows[i] - 1, windows[i] - 1, 'WITHSCORES')[2]
    if oldest then
      wait = math.max(wait, tonumber(oldest) + windows[i + 1] - now)
    end
  end
  return wait
end

local function count_send(key, now, member, windows)
  local longest = windows[#windows]
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now - longest)
  redis.call('ZADD', key, now, member)
  redis.call('PEXPIRE', key, longest)
end
