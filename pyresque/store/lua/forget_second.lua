-- Remove a second from delayed_queue_schedule if no job is delayed until then. Does the same however often it runs.
-- KEYS: 1 delayed:EPOCH, 2 delayed_queue_schedule.  ARGV: 1 epoch.  Answer: 1 forgotten, 0 not
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
return redis.call('ZREM', KEYS[2], ARGV[1])
