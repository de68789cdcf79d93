-- Remove records of a failure list, and what was put aside with them, once: of each the one at its place, or the first with its bytes.
-- KEYS: 1 once:TOKEN, 2 failure list.  ARGV: 1 seconds to remember, 2 prefix, 3... record and its place (-1: not known) in turn
-- Answer: how many were in the list
local answer = redis.call('GET', KEYS[1])
if answer then return tonumber(answer) end

local function stands_before(record, place)
  for first = 0, place - 1, 100 do
    for _, element in ipairs(redis.call('LRANGE', KEYS[2], first, math.min(first + 100, place) - 1)) do
      if element == record then return true end
    end
  end
end

local removed = 0
for n = 3, #ARGV, 2 do
  local doomed, place = ARGV[n], tonumber(ARGV[n + 1])
  if place > 0 and redis.call('LINDEX', KEYS[2], place) == doomed and stands_before(doomed, place) then
    doomed = KEYS[1] -- nothing else in the list can look like this
    redis.call('LSET', KEYS[2], place, doomed)
  end
  if redis.call('LREM', KEYS[2], 1, doomed) > 0 then
    removed = removed + 1
    forget_aside(ARGV[2], ARGV[n])
  end
end
redis.call('SET', KEYS[1], removed, 'EX', ARGV[1])
return removed
