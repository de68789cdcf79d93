-- Remove one record of a failure list, once: the one at its place, or the first with its bytes.
-- KEYS: 1 once:TOKEN, 2 failure list.  ARGV: 1 seconds to remember, 2 record, 3 its place (-1: not known)
-- Answer: 1, or 0 where the record is not in the list
local answer = redis.call('GET', KEYS[1])
if answer then return tonumber(answer) end

local function stands_before(place)
  for first = 0, place - 1, 100 do
    for _, element in ipairs(redis.call('LRANGE', KEYS[2], first, math.min(first + 100, place) - 1)) do
      if element == ARGV[2] then return true end
    end
  end
end

local doomed, place = ARGV[2], tonumber(ARGV[3])
if place > 0 and redis.call('LINDEX', KEYS[2], place) == doomed and stands_before(place) then
  doomed = KEYS[1] -- nothing else in the list can look like this
  redis.call('LSET', KEYS[2], place, doomed)
end
local removed = redis.call('LREM', KEYS[2], 1, doomed)
redis.call('SET', KEYS[1], removed, 'EX', ARGV[1])
return removed
