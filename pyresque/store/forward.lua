-- Let a delayed job that is the next attempt at a failed one come now, and mark the record of the failure, once.
-- KEYS: 1 once:TOKEN, 2 failure list, 3 delayed_queue_schedule.
-- ARGV: 1 seconds to remember, 2 prefix, 3 record, 4 record with retried_at, 5 its place (-1: not known),
--       6 name of the delayed list, 7 item, 8... effects (the push)
-- Answer: 1, or 0 where the record, or the delayed job, is not in its list: then nothing was done
local answer = redis.call('GET', KEYS[1])
if answer then return tonumber(answer) end
local place, key, noted = ARGV[5], ARGV[2] .. ARGV[6], ARGV[2] .. 'timestamps:' .. ARGV[7]
if place == '-1' or redis.call('LINDEX', KEYS[2], place) ~= ARGV[3] then place = place_of(KEYS[2], ARGV[3]) end

local done = 0
if place and attempt({'LREM', key, 1, ARGV[7]}) == 1 then
  -- Where a server does not know LPOS, an equal job that stays is forgotten there, as at Ruby's drain.
  if type(redis.pcall('LPOS', key, ARGV[7])) ~= 'number' then attempt({'SREM', noted, ARGV[6]}) end
  if redis.call('EXISTS', key) == 0 then attempt({'ZREM', KEYS[3], (ARGV[6]:gsub('^delayed:', ''))}) end
  redis.call('LSET', KEYS[2], place, ARGV[4])
  apply(ARGV[2], ARGV, 8, #ARGV)
  done = 1
end
redis.call('SET', KEYS[1], done, 'EX', ARGV[1])
return done
