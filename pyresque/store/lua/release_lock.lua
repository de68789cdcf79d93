-- Give a lock back, that of the master or of the pruner, if it still holds this.
-- KEYS: 1 lock.  ARGV: 1 what it must hold.  Answer: 1 given back, 0 it is another's or nobody's
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
