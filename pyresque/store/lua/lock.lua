-- Take a lock that anybody can read, or see that it is ours already.
-- KEYS: 1 lock, 2 its owner.  ARGV: 1 prefix, 2 now, 3 until, 4 seconds to keep both, 5 owner (unique)
-- Answer: 1 taken (now or, where an earlier answer was lost, before), 0 somebody holds it
if redis.call('GET', KEYS[1]) and redis.call('GET', KEYS[2]) == ARGV[5] then return 1 end
if is_held(ARGV[1], KEYS[1], tonumber(ARGV[2])) then return 0 end
redis.call('SET', KEYS[1], ARGV[3], 'EX', ARGV[4])
redis.call('SET', KEYS[2], ARGV[5], 'EX', ARGV[4])
return 1
