-- Queues a notice, once. KEYS: the notice's own mark, jobs. ARGV: notice's id, job, keep the mark for ms.
if redis.call('SET', KEYS[1], '', 'NX', 'PX', ARGV[3]) then
  redis.call('XADD', KEYS[2], '*', 'about', ARGV[1], 'generation', 0, 'job', ARGV[2])
end
return 1
