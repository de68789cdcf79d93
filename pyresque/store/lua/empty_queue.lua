-- Remove every job of a queue, which stays known, once.
-- KEYS: 1 once:TOKEN, 2 queue:Q.  ARGV: 1 seconds to remember.  Answer: how many jobs there were
local count = redis.call('LLEN', KEYS[2])
redis.call('UNLINK', KEYS[2])
return count
