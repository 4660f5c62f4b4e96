-- Gives a challenge a new code: the old one's digest moves to the earlier ones, spent guesses stay. Where the old one could not be
-- delivered the new one is free: no wait, and it isn't counted.
-- KEYS: challenge, sends of the destination and purpose, jobs, subject's epoch, confirmed numbers.
-- ARGV: now, challenge's id, job, keep for ms, the number's alias if it must be a confirmed one (else empty),
--   number of window figures, the figures…, caller, digest, expires, resend.
local now, count, windows = tonumber(ARGV[1]), tonumber(ARGV[6]), {}
for i = 1, count do
  windows[i] = tonumber(ARGV[6 + i])
end
local caller, digest, expires, resend = unpack(ARGV, 7 + count)
local c = redis.call('HMGET', KEYS[1], 'issuer', 'approved', 'spent', 'attempts', 'resend', 'digest', 'earlier', 'cancelled', 'epoch',
  'free')
if c[1] ~= caller then
  return {'NOT_FOUND'}
end
if c[2] or c[8] or is_ended(KEYS[4], c[9]) or tonumber(c[3]) >= tonumber(c[4]) then
  return {'CLOSED'}
end
local free = c[10] == '1'
if not free then
  if now < tonumber(c[5]) then
    return {'EARLY', tonumber(c[5]) - now}
  end
  local wait = wait_for_room(KEYS[2], now, windows)
  if wait > 0 then
    return {'LIMITED', wait}
  end
end
if ARGV[5] ~= '' and not redis.call('ZSCORE', KEYS[5], ARGV[5]) then
  return {'UNCONFIRMED'}
end
local generation = redis.call('HINCRBY', KEYS[1], 'generation', 1)
redis.call('HSET', KEYS[1], 'digest', digest, 'earlier', c[7] .. c[6] .. ' ', 'expires', expires, 'resend', resend,
  'delivery', 'QUEUED', 'reason', '', 'free', 0)
redis.call('PEXPIRE', KEYS[1], ARGV[4])
if not free then
  count_send(KEYS[2], now, ARGV[2] .. ':' .. generation, windows)
end
redis.call('XADD', KEYS[3], '*', 'about', ARGV[2], 'generation', generation, 'job', ARGV[3])
return {'OK', redis.call('HMGET', KEYS[1], 'masked', 'channel', 'expires', 'resend', 'attempts', 'spent', 'delivery', 'reason')}
