-- Remove the first records of a failure list, and what was put aside with them, once.
-- KEYS: 1 once:TOKEN, 2 failure list.  ARGV: 1 seconds to remember, 2 prefix, 3 how many at most
-- Answer: how many were removed; few where they are large
local removed, size, most = 0, 0, math.min(tonumber(ARGV[3]), 500)
while removed < most and size < 1048576 and looked < 5000 do
  local step = removed == 0 and 1 or math.max(1, math.min(50, most - removed, math.floor(removed * 262144 / size)))
  local records = redis.call('LRANGE', KEYS[2], removed, removed + step - 1)
  if #records == 0 then break end
  for _, record in ipairs(records) do
    size = size + #record + 1
    forget_aside(ARGV[2], record)
  end
  removed = removed + #records
end
if removed > 0 then redis.call('LTRIM', KEYS[2], removed, -1) end
return removed
