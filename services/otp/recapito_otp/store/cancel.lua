-- Ends a challenge, unless it was approved. KEYS: challenge. ARGV: caller. Gives whether the caller has such a challenge.
local c = redis.call('HMGET', KEYS[1], 'issuer', 'approved')
if c[1] ~= ARGV[1] then
  return 0
end
if not c[2] then
  redis.call('HSET', KEYS[1], 'cancelled', 1)
end
return 1
