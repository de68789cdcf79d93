-- Take one given element of a queue and say so in worker:ID, in one step.
-- KEYS: 1 worker:ID, 2 queue:Q, 3 workers.  ARGV: 1 element, 2 record for worker:ID, 3 ID
-- Answer: 1 taken (now or, where an earlier answer was lost, before), 0 it is not there any more,
--         -1 the worker is not registered: nobody would find the job if it died
local current = redis.pcall('GET', KEYS[1])
if current == ARGV[2] then return 1 end
if type(current) == 'string' then return redis.error_reply('HELD worker:ID holds another job') end
if redis.pcall('SISMEMBER', KEYS[3], ARGV[3]) == 0 then return -1 end
if redis.call('LREM', KEYS[2], 1, ARGV[1]) == 0 then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
return 1
