-- End a job of a worker under whose id another one has registered: once, for only that one knows what it did to the rest.
-- KEYS: 1 worker:ID, 2 pyresque:workers, 3 once:TOKEN
-- ARGV: 1 prefix, 2 record, 3 ID, 4 our mark, 5 seconds to remember, 6... effects
-- Answer: {"settled" (now or, where an earlier answer was lost, before) | "gone", troubles}
--   gone: a worker of ours was in between, and has recorded the job
if text_of(KEYS[3]) == '1' then return {'settled', troubles} end
if redis.pcall('HGET', KEYS[2], ARGV[3]) ~= ARGV[4] then return {'gone', troubles} end
apply(ARGV[1], ARGV, 6, #ARGV)
if text_of(KEYS[1]) == ARGV[2] then redis.call('UNLINK', KEYS[1]) end
redis.call('SET', KEYS[3], 1, 'EX', ARGV[5])
return {'settled', troubles}
