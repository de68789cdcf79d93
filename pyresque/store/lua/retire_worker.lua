-- Take a worker out of the books: unregister, prune, `workers remove`.
-- KEYS: 1 workers, 2 workers:heartbeat, 3 worker:ID, 4 worker:ID:started, 5 stat:processed:ID, 6 stat:failed:ID,
--       7 pyresque:workers, 8 once:TOKEN
-- ARGV: 1 prefix, 2 ID, 3 what worker:ID must hold ("": nothing), 4 what its heartbeat must be ("": any),
--       "-": none, 5 seconds to remember, 6 what it wrote to worker:ID:started ("": not asked),
--       7... effects (the failure of its job)
-- Answer: {1 done | 0 something has changed meanwhile | -1 another worker has registered under this id, troubles}
if text_of(KEYS[8]) == '1' then return {1, troubles} end
if is_anothers(redis.call('MGET', KEYS[4])[1], ARGV[6]) then return {-1, troubles} end
if text_of(KEYS[3]) ~= ARGV[3] then return {0, troubles} end
if ARGV[4] ~= '' then
  local beat = redis.pcall('HGET', KEYS[2], ARGV[2])
  if (beat or '-') ~= ARGV[4] then return {0, troubles} end
end
apply(ARGV[1], ARGV, 7, #ARGV)
attempt({'SREM', KEYS[1], ARGV[2]})
attempt({'HDEL', KEYS[2], ARGV[2]})
attempt({'HDEL', KEYS[7], ARGV[2]})
redis.call('UNLINK', KEYS[3], KEYS[4], KEYS[5], KEYS[6])
redis.call('SET', KEYS[8], 1, 'EX', ARGV[5])
return {1, troubles}
