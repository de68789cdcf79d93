-- Let a delayed job that is the next attempt at a failed one come now, and mark the records of the failure, once.
-- KEYS: 1 once:TOKEN, 2 delayed_queue_schedule.
-- ARGV: 1 seconds to remember, 2 prefix, 3... a failure (retried_marks.lua), then name of the delayed list, item, effects (the push)
-- Answer: 1, or 0 where the record, or the delayed job, is not in its list: then nothing was done
local after = after_records(3)
local list, item = ARGV[after], ARGV[after + 1]
local place, key, noted = place_of_record(4), ARGV[2] .. list, ARGV[2] .. 'timestamps:' .. item

local done = 0
if place and attempt({'LREM', key, 1, item}) == 1 then
  -- Where a server does not know LPOS, an equal job that stays is forgotten there, as at Ruby's drain.
  if type(redis.pcall('LPOS', key, item)) ~= 'number' then attempt({'SREM', noted, list}) end
  if redis.call('EXISTS', key) == 0 then attempt({'ZREM', KEYS[2], (list:gsub('^delayed:', ''))}) end
  mark(3, place)
  apply(ARGV[2], ARGV, after + 2, #ARGV)
  done = 1
end
return done
