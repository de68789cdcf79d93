-- Free a lock if it is still ours.
-- KEYS: 1 lock, 2 its owner.  ARGV: 1 until (what the lock holds), 2 owner.  Answer: 1 freed, 0 not ours
if redis.call('GET', KEYS[2]) ~= ARGV[2] then return 0 end
redis.call('UNLINK', KEYS[2])
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('UNLINK', KEYS[1])
