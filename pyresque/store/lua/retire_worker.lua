-- End the registration of a worker: it leaves, is pruned, or `worker remove`.
-- KEYS: 1 once:TOKEN, 2 workers, 3 workers:heartbeat, 4 worker:ID, 5 worker:ID:started, 6 stat:processed:ID,
--       7 stat:failed:ID, 8 pyresque:workers
-- ARGV: 1 seconds to remember, 2 prefix, 3 ID, 4 what worker:ID must hold ("": nothing), 5 what its heartbeat must be
--       ("": any, "-": none), 6 what it wrote to worker:ID:started ("": not asked), 7... effects (the failure of its job)
-- Answer: {1 done | 0 something has changed meanwhile | -1 another worker has registered under this id, troubles}
if is_anothers(redis.call('MGET', KEYS[5])[1], ARGV[6]) then return {-1, troubles}, false end
if text_of(KEYS[4]) ~= ARGV[4] then return {0, troubles}, false end
if ARGV[5] ~= '' then
  local beat = redis.pcall('HGET', KEYS[3], ARGV[3])
  if (beat or '-') ~= ARGV[5] then return {0, troubles}, false end
end
apply(ARGV[2], ARGV, 7, #ARGV)
attempt({'SREM', KEYS[2], ARGV[3]})
attempt({'HDEL', KEYS[3], ARGV[3]})
attempt({'HDEL', KEYS[8], ARGV[3]})
redis.call('UNLINK', KEYS[4], KEYS[5], KEYS[6], KEYS[7])
return {1, troubles}
