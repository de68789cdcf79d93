-- Remove given elements from a list, once.
-- KEYS: 1 once:TOKEN, 2 list.  ARGV: 1 seconds to remember, 2 copies of each (0: all), 3... elements
local answer = redis.call('GET', KEYS[1])
if answer then return tonumber(answer) end
local removed = 0
for n = 3, #ARGV do removed = removed + redis.call('LREM', KEYS[2], ARGV[2], ARGV[n]) end
redis.call('SET', KEYS[1], removed, 'EX', ARGV[1])
return removed
