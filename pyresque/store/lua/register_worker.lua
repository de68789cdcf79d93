-- Register a worker, for the first time or again, unless another one has its id.
-- KEYS: 1 workers, 2 pyresque:workers, 3 worker:ID:started.  ARGV: 1 ID, 2 mark, 3 what to write to worker:ID:started
-- Answer: {1 registered | 0 another one has the id, troubles}
local mark = redis.pcall('HGET', KEYS[2], ARGV[1])
if type(mark) == 'string' and mark ~= ARGV[2] then return {0, troubles} end
if redis.pcall('SISMEMBER', KEYS[1], ARGV[1]) == 1 and is_anothers(redis.call('MGET', KEYS[3])[1], ARGV[3]) then
  return {0, troubles}
end
attempt({'SADD', KEYS[1], ARGV[1]})
redis.call('SET', KEYS[3], ARGV[3])
attempt({'HSET', KEYS[2], ARGV[1], ARGV[2]})
return {1, troubles}
