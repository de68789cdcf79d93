-- Remove given elements from a list, once, and the keys that go with them.
-- KEYS: 1 once:TOKEN, 2 list
-- ARGV: 1 seconds to remember, 2 copies of each (0: all), then for each: the element, number of keys, the keys
local answer = redis.call('GET', KEYS[1])
if answer then return tonumber(answer) end
local removed = 0
local place = 3
while place <= #ARGV do
  local found, keys = redis.call('LREM', KEYS[2], ARGV[2], ARGV[place]), tonumber(ARGV[place + 1])
  for n = place + 2, place + 1 + keys do
    if found > 0 then redis.call('UNLINK', ARGV[n]) end
  end
  removed, place = removed + found, place + 2 + keys
end
redis.call('SET', KEYS[1], removed, 'EX', ARGV[1])
return removed
