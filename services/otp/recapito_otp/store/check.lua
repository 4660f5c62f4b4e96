-- Compares a code's digest: counts the guess first, approves once, and writes what proves it.
-- KEYS: challenge, proof. ARGV: now, caller, subject, purpose, transaction, digest, challenge's id, proof's life in ms, keep for ms.
-- Gives {outcome, guesses left}.
local now = tonumber(ARGV[1])
local c = redis.call('HMGET', KEYS[1], 'issuer', 'subject', 'purpose', 'transaction', 'approved', 'spent', 'attempts', 'expires',
  'digest', 'earlier', 'envelope')
if c[1] ~= ARGV[2] or c[2] ~= ARGV[3] or c[3] ~= ARGV[4] or c[4] ~= ARGV[5] then
  return {'NOT_FOUND', 0}
end
local left = tonumber(c[7]) - tonumber(c[6])
if c[5] then
  return {'USED', left}
end
if left <= 0 then
  return {'EXHAUSTED', 0}
end
if now > tonumber(c[8]) then
  return {'EXPIRED', left}
end
left = left - 1
redis.call('HINCRBY', KEYS[1], 'spent', 1)
if c[9] == ARGV[6] then
  redis.call('HSET', KEYS[1], 'approved', now)
  redis.call('HSET', KEYS[2], 'issuer', c[1], 'subject', c[2], 'purpose', c[3], 'transaction', c[4], 'approved', now,
    'expires', now + ARGV[8], 'challenge', ARGV[7], 'envelope', c[11])
  redis.call('PEXPIRE', KEYS[2], ARGV[9])
  return {'APPROVED', left}
end
if string.find(c[10], ARGV[6], 1, true) then
  return {'SUPERSEDED', left}
end
return {'INCORRECT', left}
