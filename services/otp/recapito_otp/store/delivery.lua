-- Notes how far a code came, if it is still the challenge's newest. Shared by the scripts of the worker and of the receipts.
-- Whatever comes late, twice or in another order changes nothing: what arrived has arrived, and what failed is queued no more.
-- A failure makes the next resend free and due at once, but only the first few: a number that never takes anything costs money too.
-- Never what a visitor asked for: a decoy's message never fails, so a resend that is due at once would say who is known.
local FREE_RESENDS = 3
local VISITORS = {registration = true, recovery = true}

local function note_delivery(key, generation, delivery, reason, now)
  local c = redis.call('HMGET', key, 'generation', 'delivery', 'resend', 'failures', 'purpose')
  if c[1] ~= generation or c[2] == 'DELIVERED' or c[2] == delivery or (c[2] == 'FAILED' and delivery ~= 'DELIVERED') then
    return 0
  end
  redis.call('HSET', key, 'delivery', delivery, 'reason', reason, 'free', 0)
  if delivery == 'FAILED' and not VISITORS[c[5]] and redis.call('HINCRBY', key, 'failures', 1) <= FREE_RESENDS then
    redis.call('HSET', key, 'free', 1, 'resend', string.format('%.0f', math.min(tonumber(c[3]), now)))
  end
  return 1
end
