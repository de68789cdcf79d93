-- Take given jobs out of the delayed lists: to their queues, aside, or away. Once, and all in one step.
-- KEYS: 1 once:TOKEN, 2 delayed_queue_schedule, 3 queues, 4 master lock
-- ARGV: 1 seconds to remember, 2 prefix, 3 what the lock must hold ("": not asked),
--       4 "1": forget the second of a list that has become empty,
--       5... for each job: name of its list, item, copies (0: all), what ("push", "aside", "drop"), queue, payload
-- Answer: {1, troubles, how many copies were taken, for each job}, {0} if the lock is another's
local kept = redis.call('GET', KEYS[1])
if kept then return cjson.decode(kept) end
if ARGV[3] ~= '' and text_of(KEYS[4]) ~= ARGV[3] then return {0} end
local answer = {1, troubles}
for n = 5, #ARGV, 6 do
  local list, item, what = ARGV[n], ARGV[n + 1], ARGV[n + 3]
  local key = ARGV[2] .. list
  local taken = attempt({'LREM', key, ARGV[n + 2], item}) or 0
  if taken > 0 then
    attempt({'SREM', ARGV[2] .. 'timestamps:' .. item, list})
    if what == 'push' then
      attempt({'SADD', KEYS[3], ARGV[n + 4]})
      local words = {'RPUSH', ARGV[2] .. 'queue:' .. ARGV[n + 4], ARGV[n + 5]}
      for _ = 1, taken do apply(ARGV[2], {3, unpack(words)}, 1, 4) end
    elseif what == 'aside' then
      for _ = 1, taken do redis.call('RPUSH', ARGV[2] .. 'pyresque:aside:' .. list, item) end
    end
  end
  if ARGV[4] == '1' and redis.call('EXISTS', key) == 0 then redis.call('ZREM', KEYS[2], (list:gsub('^delayed:', ''))) end
  answer[#answer + 1] = taken
end
-- An empty table would come back as an object, which Redis answers as an empty list too.
redis.call('SET', KEYS[1], cjson.encode(answer), 'EX', ARGV[1])
return answer
