-- Notes how far a code came, if it is still the challenge's newest, and takes its job away.
-- KEYS: challenge, jobs. ARGV: group, job's entry, generation, delivery, reason.
if redis.call('HGET', KEYS[1], 'generation') == ARGV[3] then
  redis.call('HSET', KEYS[1], 'delivery', ARGV[4], 'reason', ARGV[5])
end
redis.call('XACK', KEYS[2], ARGV[1], ARGV[2])
return redis.call('XDEL', KEYS[2], ARGV[2])
