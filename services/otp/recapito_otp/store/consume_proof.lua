-- Spends a proof, once; who spent it with a request of its own gets the same answer again.
-- KEYS: proof. ARGV: now, subject, purpose, transaction, spender (empty: no repeat is known).
local now = tonumber(ARGV[1])
local p = redis.call('HMGET', KEYS[1], 'subject', 'purpose', 'transaction', 'spent', 'expires', 'issuer', 'approved', 'challenge',
  'envelope')
if p[1] ~= ARGV[2] or p[2] ~= ARGV[3] or p[3] ~= ARGV[4] then
  return {'NOT_FOUND'}
end
if p[4] then
  if p[4] == '' or p[4] ~= ARGV[5] then
    return {'USED'}
  end
elseif now > tonumber(p[5]) then
  return {'NOT_FOUND'}
else
  redis.call('HSET', KEYS[1], 'spent', ARGV[5])
end
return {'OK', p[6], p[7], p[8], p[9]}
