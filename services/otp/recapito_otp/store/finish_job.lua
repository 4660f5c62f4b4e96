-- Notes how far a message came and takes its job away; a notice that failed goes to the dead letters.
-- KEYS: challenge, jobs, dead letters.
-- ARGV: group, job's entry, generation (0: a notice), delivery, reason, now, about, job, most dead letters.
note_delivery(KEYS[1], ARGV[3], ARGV[4], ARGV[5], tonumber(ARGV[6]))
redis.call('XACK', KEYS[2], ARGV[1], ARGV[2])
local taken = redis.call('XDEL', KEYS[2], ARGV[2])
if taken == 1 and ARGV[3] == '0' and ARGV[4] == 'FAILED' then
  redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[9], '*', 'about', ARGV[7], 'job', ARGV[8], 'reason', ARGV[5], 'at', ARGV[6])
end
return taken
