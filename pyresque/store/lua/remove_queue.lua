-- Forget a queue and everything in it, once.
-- KEYS: 1 once:TOKEN, 2 queues, 3 queue:Q.  ARGV: 1 seconds to remember, 2 queue name
local known = redis.call('SREM', KEYS[2], ARGV[2])
redis.call('UNLINK', KEYS[3])
return known
