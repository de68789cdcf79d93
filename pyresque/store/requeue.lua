-- Put the job of a failure back on its queue and mark the record, once.
-- KEYS: 1 once:TOKEN, 2 failure list.
-- ARGV: 1 seconds to remember, 2 prefix, 3 record, 4 record with retried_at, 5 its place (-1: not known),
--       6... effects (the push).  Of records with the same bytes the one at its place is meant.
-- Answer: 1, or 0 where the record is not in the list
local answer = redis.call('GET', KEYS[1])
if answer then return tonumber(answer) end
local function place_of(record)
  if ARGV[5] ~= '-1' and redis.call('LINDEX', KEYS[2], ARGV[5]) == record then return ARGV[5] end
  for first = 0, redis.call('LLEN', KEYS[2]) - 1, 100 do
    for i, element in ipairs(redis.call('LRANGE', KEYS[2], first, first + 99)) do
      if element == record then return first + i - 1 end
    end
  end
end

local place, found = place_of(ARGV[3]), 0
if place then
  redis.call('LSET', KEYS[2], place, ARGV[4])
  apply(ARGV[2], ARGV, 6, #ARGV)
  found = 1
end
redis.call('SET', KEYS[1], found, 'EX', ARGV[1])
return found
