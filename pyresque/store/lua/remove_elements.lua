-- Remove the first copy of an element from a list, once.
-- KEYS: 1 once:TOKEN, 2 list.  ARGV: 1 seconds to remember, 2 the element.  Answer: 1 removed, 0 it is not there
local answer = redis.call('GET', KEYS[1])
if answer then return tonumber(answer) end
local removed = redis.call('LREM', KEYS[2], 1, ARGV[2])
redis.call('SET', KEYS[1], removed, 'EX', ARGV[1])
return removed
