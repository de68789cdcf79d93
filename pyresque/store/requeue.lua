-- Put the job of a failure back on its queue and mark the record, once.
-- KEYS: 1 once:TOKEN, 2 failure list.
-- ARGV: 1 seconds to remember, 2 prefix, 3 record, 4 record with retried_at, 5... effects (the push)
-- Answer: 1, or 0 where the record is not in the list
local answer = redis.call('GET', KEYS[1])
if answer then return tonumber(answer) end
local found = 0
for first = 0, redis.call('LLEN', KEYS[2]) - 1, 100 do
  for i, element in ipairs(redis.call('LRANGE', KEYS[2], first, first + 99)) do
    if element == ARGV[3] then
      redis.call('LSET', KEYS[2], first + i - 1, ARGV[4])
      apply(ARGV[2], ARGV, 5, #ARGV)
      found = 1
      break
    end
  end
  if found == 1 then break end
end
redis.call('SET', KEYS[1], found, 'EX', ARGV[1])
return found
