-- Put the jobs of failures back on their queues and mark their records, once. Each as if it came alone: what one of them lacks
-- does not stop the others.
-- KEYS: 1 once:TOKEN
-- ARGV: 1 seconds to remember, 2 prefix, 3 how many nodes may be passed, then
--       for each failure: its records (retried_marks.lua), number of words of effects, the effects
-- Answer: {for each "1" put back, "0" the record is not in the list, "+" too much for one call: as one text; troubles}
local signs, at = {}, 4
while at <= #ARGV do
  local effects = after_records(at)
  local last = effects + tonumber(ARGV[effects])
  local sign = '+'
  if nodes_passed <= tonumber(ARGV[3]) then
    local place = place_of_record(at + 1)
    sign = place and '1' or '0'
    if place then
      apply(ARGV[2], ARGV, effects + 1, last)
      mark(at, place)
    end
  end
  signs[#signs + 1] = sign
  at = last + 1
end
return {table.concat(signs), troubles}
