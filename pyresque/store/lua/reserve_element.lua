-- Take one given element of a queue and say so in worker:ID, in one step.
-- KEYS: 1 worker:ID, 2 queue:Q, 3 workers, 4 worker:ID:started
-- ARGV: 1 element, 2 record for worker:ID, 3 ID, 4 what we wrote to worker:ID:started, 5 where the element was seen,
--       6 its class, 7 limits of classes (parts/class_limits.lua)
-- Answer: 1 taken (now or, where an earlier answer was lost, before),
--         0 it is not there any more, or worker:ID holds another job,
--         -1 the worker is not registered (nobody would find the job if it died), or another has its id,
--         more: its class has to wait for so many milliseconds, less one
local current, started = unpack(redis.call('MGET', KEYS[1], KEYS[4]))
if is_anothers(started, ARGV[4]) then return -1 end
if current == ARGV[2] then return 1 end
if current then return 0 end
if (ARGV[4] ~= '' and not started) or redis.pcall('SISMEMBER', KEYS[3], ARGV[3]) == 0 then return -1 end
if ARGV[7] ~= '' then
  if not redis.call('LPOS', KEYS[2], ARGV[1]) then return 0 end
  local wait = has_to_wait(KEYS[3]:sub(1, -8), ARGV[3], ARGV[6], ARGV[7])
  if wait then return wait + 1 end
end
if remove_at(KEYS[2], tonumber(ARGV[5]), ARGV[1]) == 0 then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
return 1
