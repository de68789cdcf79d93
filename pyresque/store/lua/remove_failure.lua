-- Remove a record of a failure list, and what was put aside with it, once: the one at its place, or the first with its bytes.
-- KEYS: 1 once:TOKEN, 2 failure list.  ARGV: 1 seconds to remember, 2 prefix, 3 record, 4 its place (-1: not known)
-- Answer: 1 removed, 0 it is not in the list
local removed, record, place = 0, ARGV[3], tonumber(ARGV[4])

-- Whether LREM would take this one, and soon: there is none like it before it.
local function is_first()
  if place > 100 then return false end
  for n = 0, place - 1 do
    if redis.call('LINDEX', KEYS[2], n) == record then return false end
  end
  return true
end

if place >= 0 and redis.call('LINDEX', KEYS[2], place) == record and not is_first() then
  redis.call('UNLINK', KEYS[1]) -- a full Redis lets a script go on that has begun to write
  local mark = '\0' .. word
  redis.call('LSET', KEYS[2], place, mark)
  removed = redis.call('LREM', KEYS[2], place < redis.call('LLEN', KEYS[2]) / 2 and 1 or -1, mark)
else
  removed = redis.call('LREM', KEYS[2], 1, record)
end
if removed > 0 then forget_aside(ARGV[2], record) end
return removed
