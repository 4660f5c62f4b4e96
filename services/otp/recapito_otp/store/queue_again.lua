-- Queues a dead letter again, once. KEYS: dead letters, jobs. ARGV: dead letter's entry. Gives whether it was there.
local found = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1])[1]
if not found or redis.call('XDEL', KEYS[1], ARGV[1]) == 0 then
  return 0
end
redis.call('XADD', KEYS[2], '*', 'generation', 0, unpack(found[2]))
return 1
