-- Give the master lock back, if it is still ours.
-- KEYS: 1 master lock.  ARGV: 1 who asks.  Answer: 1 given back, 0 it is another's or nobody's
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
