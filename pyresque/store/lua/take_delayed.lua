-- Take given jobs out of the delayed lists: to their queues, or away with what else there is to do. Once, and all in one step.
-- KEYS: 1 once:TOKEN, 2 delayed_queue_schedule, 3 queues, 4 master lock
-- ARGV: 1 seconds to remember, 2 prefix, 3 what the lock must hold ("": not asked), 4 milliseconds to renew it for,
--       5 "1": forget the second of a list that has become empty,
--       6 list and 7 item of the next job whose code is about to run ("": none), 8 now,
--       9... for each job: name of its list, item, copies (0: all), queue, payload ("": nothing is pushed),
--       what becomes of it if a guard refuses the push ("drop", "keep"), number of guards, guards,
--       number of words of effects, effects (done for each copy)
-- Answer: {1, troubles, 1 if the next job is there, then for each job: how many copies were taken, 1 if a guard refused},
--         {0} if the lock is another's
if ARGV[3] ~= '' then
  if text_of(KEYS[4]) ~= ARGV[3] then return {0}, false end
  redis.call('PEXPIRE', KEYS[4], ARGV[4])
end
local answer, n, now = {1, troubles, 0}, 9, tonumber(ARGV[8])
while n <= #ARGV do
  local list, item, queue, payload, guards = ARGV[n], ARGV[n + 1], ARGV[n + 3], ARGV[n + 4], tonumber(ARGV[n + 6])
  local key, first = ARGV[2] .. list, n + 8 + 3 * guards
  local words = tonumber(ARGV[first - 1])
  -- Asked before anything is done: a guard that cannot be read ends the script.
  local refused = payload ~= '' and is_refused(ARGV[2], ARGV, n + 7, guards, now)
  if refused then payload = '' end
  local taken = 0
  if not refused or ARGV[n + 5] == 'drop' then taken = attempt({'LREM', key, ARGV[n + 2], item}) or 0 end
  if taken > 0 then
    attempt({'SREM', ARGV[2] .. 'timestamps:' .. item, list})
    if payload ~= '' then attempt({'SADD', KEYS[3], queue}) end
    for _ = 1, taken do
      if payload ~= '' then apply(ARGV[2], {3, 'RPUSH', ARGV[2] .. 'queue:' .. queue, payload}, 1, 4) end
      apply(ARGV[2], ARGV, first, first + words - 1)
    end
    if payload ~= '' then take_guards(ARGV[2], ARGV, n + 7, guards, now) end
  end
  if ARGV[5] == '1' and redis.call('EXISTS', key) == 0 then redis.call('ZREM', KEYS[2], (list:gsub('^delayed:', ''))) end
  answer[#answer + 1], answer[#answer + 2] = taken, refused and 1 or 0
  n = first + words
end
local list, item = ARGV[6], ARGV[7]
if list ~= '' and redis.call('LPOS', ARGV[2] .. list, item) then
  -- An equal one that was taken has taken this with it; and a Redis that takes no writes says so before the code runs.
  attempt({'SADD', ARGV[2] .. 'timestamps:' .. item, list})
  answer[3] = 1
end
return answer
