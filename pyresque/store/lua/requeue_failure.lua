-- Put the job of a failure back on its queue, or what was put aside where it came from, and mark its records, once.
-- KEYS: 1 once:TOKEN, 2... failure lists.
-- ARGV: 1 seconds to remember, 2 prefix, 3... records (retried_marks.lua), then
--       the second for a delayed job that was put aside ("": the effects put the job back), the effects.
-- Answer: 1, 0 where the record is not in the list, else what put_back answered: then nothing was done
local place, second = place_of_mark(1), ARGV[after_marks]

local done = place and 1 or 0
if place and second ~= '' then
  local name, digest = link_of(ARGV[4])
  done = name and put_back(ARGV[2], name, digest, second) or -1
elseif place then
  apply(ARGV[2], ARGV, after_marks + 1, #ARGV)
  forget_aside(ARGV[2], ARGV[4])
end
if done == 1 then mark(place) end
return done
