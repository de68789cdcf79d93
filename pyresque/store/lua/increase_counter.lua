-- Add to a counter, once.
-- KEYS: 1 once:TOKEN, 2 counter.  ARGV: 1 seconds to remember, 2 how much.  Answer: its new value
local value = redis.call('INCRBY', KEYS[2], ARGV[2])
return value
