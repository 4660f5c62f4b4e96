-- Makes a challenge, counts its send and queues its message, or does nothing of it. The same request again: as it was made.
-- KEYS: challenge, sends of the destination and purpose, jobs, subject's epoch, confirmed numbers.
-- ARGV: now, challenge's id, job, keep for ms, the number's alias if it must be a confirmed one (else empty),
--   number of window figures, the figures…, then the challenge's fields and values.
local now, count, windows = tonumber(ARGV[1]), tonumber(ARGV[6]), {}
for i = 1, count do
  windows[i] = tonumber(ARGV[6 + i])
end
if redis.call('EXISTS', KEYS[1]) == 0 then
  local wait = wait_for_room(KEYS[2], now, windows)
  if wait > 0 then
    return {'LIMITED', wait}
  end
  if ARGV[5] ~= '' and not redis.call('ZSCORE', KEYS[5], ARGV[5]) then
    return {'UNCONFIRMED'}
  end
  redis.call('HSET', KEYS[1], 'generation', 1, 'spent', 0, 'delivery', 'QUEUED', 'reason', '', 'earlier', '', 'failures', 0,
    'free', 0, 'epoch', epoch_of(KEYS[4]), unpack(ARGV, 7 + count))
  redis.call('PEXPIRE', KEYS[1], ARGV[4])
  count_send(KEYS[2], now, ARGV[2] .. ':1', windows)
  redis.call('XADD', KEYS[3], '*', 'about', ARGV[2], 'generation', 1, 'job', ARGV[3])
end
return {'OK', redis.call('HMGET', KEYS[1], 'masked', 'channel', 'expires', 'resend', 'attempts', 'spent', 'delivery', 'reason')}
