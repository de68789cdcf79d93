-- Put the job of a failure back on its queue, or what was put aside where it came from, and mark the record, once.
-- KEYS: 1 once:TOKEN, 2 failure list.
-- ARGV: 1 seconds to remember, 2 prefix, 3 record, 4 record with retried_at, 5 its place (-1: not known),
--       6 the second for a delayed job that was put aside ("": the effects put the job back), 7... effects.
--       Of records with the same bytes the one at its place is meant.
-- Answer: 1, 0 where the record is not in the list, else what put_back answered: then nothing was done
local answer = redis.call('GET', KEYS[1])
if answer then return tonumber(answer) end
local place = ARGV[5]
if place == '-1' or redis.call('LINDEX', KEYS[2], place) ~= ARGV[3] then place = place_of(KEYS[2], ARGV[3]) end

local done = place and 1 or 0
if place and ARGV[6] ~= '' then
  local name, digest = link_of(ARGV[3])
  done = name and put_back(ARGV[2], name, digest, ARGV[6]) or -1
elseif place then
  apply(ARGV[2], ARGV, 7, #ARGV)
  forget_aside(ARGV[2], ARGV[3])
end
if done == 1 then redis.call('LSET', KEYS[2], place, ARGV[4]) end
redis.call('SET', KEYS[1], done, 'EX', ARGV[1])
return done
