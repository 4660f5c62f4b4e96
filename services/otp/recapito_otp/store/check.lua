-- Compares a code's digests, one a pepper: counts the guess first, approves once, writes what proves it, and that the number was confirmed.
-- KEYS: challenge, proof, subject's epoch, confirmed numbers.
-- ARGV: now, caller, subject, purpose, transaction, digests, challenge's id, proof's life in ms, keep for ms, confirmed for ms.
-- Gives {outcome, guesses left}.
local now = tonumber(ARGV[1])
local c = redis.call('HMGET', KEYS[1], 'issuer', 'subject', 'purpose', 'transaction', 'approved', 'spent', 'attempts', 'expires',
  'digest', 'earlier', 'envelope', 'cancelled', 'epoch', 'channel', 'alias')
if c[1] ~= ARGV[2] or c[2] ~= ARGV[3] or c[3] ~= ARGV[4] or c[4] ~= ARGV[5] then
  return {'NOT_FOUND', 0}
end
local left = tonumber(c[7]) - tonumber(c[6])
if c[5] or c[12] or is_ended(KEYS[3], c[13]) then
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
if string.find(ARGV[6], c[9], 1, true) then
  redis.call('HSET', KEYS[1], 'approved', now)
  redis.call('HSET', KEYS[2], 'issuer', c[1], 'subject', c[2], 'purpose', c[3], 'transaction', c[4], 'approved', now,
    'expires', now + ARGV[8], 'challenge', ARGV[7], 'envelope', c[11])
  redis.call('PEXPIRE', KEYS[2], ARGV[9])
  if c[14] == 'SMS' then
    redis.call('ZADD', KEYS[4], now, c[15])
    redis.call('ZREMRANGEBYSCORE', KEYS[4], '-inf', now - ARGV[10])
    redis.call('PEXPIRE', KEYS[4], ARGV[10])
  end
  return {'APPROVED', left}
end
for digest in string.gmatch(ARGV[6], '%x+') do
  if string.find(c[10], digest, 1, true) then
    return {'SUPERSEDED', left}
  end
end
return {'INCORRECT', left}
