-- Ends every challenge that was issued for a subject until now. KEYS: the subject's epoch. ARGV: now, keep for ms.
-- The epoch is an instant, so that it rises again after it was forgotten; and rises even where the clock stands still.
local epoch = math.max(tonumber(ARGV[1]), tonumber(epoch_of(KEYS[1])) + 1)
redis.call('SET', KEYS[1], string.format('%.0f', epoch), 'PX', ARGV[2])
return 1
