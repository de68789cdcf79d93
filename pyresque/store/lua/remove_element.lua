-- Remove the first copy of an element from a list, once.
-- KEYS: 1 once:TOKEN, 2 list.  ARGV: 1 seconds to remember, 2 the element.  Answer: 1 removed, 0 it is not there
local removed = redis.call('LREM', KEYS[2], 1, ARGV[2])
return removed
