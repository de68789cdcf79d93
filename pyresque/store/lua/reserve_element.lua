-- Take one given element of a queue and say so in worker:ID, in one step.
-- KEYS: 1 worker:ID, 2 queue:Q, 3 workers, 4 worker:ID:started
-- ARGV: 1 element, 2 record for worker:ID, 3 ID, 4 what we wrote to worker:ID:started, 5 where the element was seen
-- Answer: 1 taken (now or, where an earlier answer was lost, before),
--         0 it is not there any more, or worker:ID holds another job,
--         -1 the worker is not registered (nobody would find the job if it died), or another has its id
local current, started = unpack(redis.call('MGET', KEYS[1], KEYS[4]))
if is_anothers(started, ARGV[4]) then return -1 end
if current == ARGV[2] then return 1 end
if current then return 0 end
if (ARGV[4] ~= '' and not started) or redis.pcall('SISMEMBER', KEYS[3], ARGV[3]) == 0 then return -1 end
if remove_at(KEYS[2], tonumber(ARGV[5]), ARGV[1]) == 0 then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
return 1
