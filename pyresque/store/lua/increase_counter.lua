-- Add to a counter, once.
-- KEYS: 1 once:TOKEN, 2 counter.  ARGV: 1 seconds to remember, 2 how much.  Answer: its new value
local answer = redis.call('GET', KEYS[1])
if answer then return tonumber(answer) end
local value = redis.call('INCRBY', KEYS[2], ARGV[2])
redis.call('SET', KEYS[1], value, 'EX', ARGV[1])
return value
