-- Write or remove an entry of the schedule and say so, once.
-- KEYS: 1 once:TOKEN, 2 persistent_schedules, 3 schedules_changed
-- ARGV: 1 seconds to remember, 2 name, 3 JSON ("": remove it).  Answer: 1 if it was there before, 0 if not
local before = redis.call('HEXISTS', KEYS[2], ARGV[2])
if ARGV[3] == '' then
  redis.call('HDEL', KEYS[2], ARGV[2])
else
  redis.call('HSET', KEYS[2], ARGV[2], ARGV[3])
end
redis.call('SADD', KEYS[3], ARGV[2])
return before
