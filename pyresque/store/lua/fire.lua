-- Fire an entry of the schedule for one tick, if nobody has: push its job and note when, in one step, once.
-- KEYS: 1 once:TOKEN, 2 delayed:last_enqueued_at, 3 queues, 4 master lock
-- ARGV: 1 seconds to remember, 2 prefix, 3 what the lock must hold ("": not asked), 4 name of the entry,
--       5 what is noted for it until now ("": nothing), 6 what to note, 7 queue, 8 payload ("": push nothing),
--       9 now, 10... guards
-- Answer: {1 fired (now or, where an earlier answer was lost, before) | 2 noted, but a guard refused the push |
--         0 somebody else has noted something | -1 the lock is another's, troubles}
if ARGV[3] ~= '' and text_of(KEYS[4]) ~= ARGV[3] then return {-1, troubles}, false end
if (redis.call('HGET', KEYS[2], ARGV[4]) or '') ~= ARGV[5] then return {0, troubles}, false end
local guards, now = (#ARGV - 9) / 3, tonumber(ARGV[9])
local refused = ARGV[8] ~= '' and is_refused(ARGV[2], ARGV, 10, guards, now)
if ARGV[8] ~= '' and not refused then
  apply(ARGV[2], {3, 'RPUSH', ARGV[2] .. 'queue:' .. ARGV[7], ARGV[8]}, 1, 4)
  attempt({'SADD', KEYS[3], ARGV[7]})
  take_guards(ARGV[2], ARGV, 10, guards, now)
end
redis.call('HSET', KEYS[2], ARGV[4], ARGV[6])
return {refused and 2 or 1, troubles}
