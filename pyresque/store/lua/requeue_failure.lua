-- Put what was put aside back where it came from, or the job of a failure on its queue, and mark its records, once.
-- KEYS: 1 once:TOKEN.
-- ARGV: 1 seconds to remember, 2 prefix, 3... a failure (retried_marks.lua), then
--       the second for a delayed job that was put aside ("": the effects put the job back), the effects.
-- Answer: 1, 0 where the record is not in the list, else what put_back answered: then nothing was done
local place, after = place_of_record(4), after_records(3)
local second, record = ARGV[after], ARGV[5]

local done = place and 1 or 0
if place and second ~= '' then
  local name, digest = link_of(record)
  done = name and put_back(ARGV[2], name, digest, second) or -1
elseif place then
  apply(ARGV[2], ARGV, after + 1, #ARGV)
  forget_aside(ARGV[2], record)
end
if done == 1 then mark(3, place) end
return done
