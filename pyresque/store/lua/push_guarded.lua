-- Push jobs with what belongs to them, once: each unless one of its locks is held, with the locks that it takes and its status.
-- KEYS: 1 once:TOKEN, 2 queues
-- ARGV: 1 seconds to remember, 2 prefix, 3 now, then for each job:
--       queue ("": it goes nowhere, all else is done), element, RPUSH or LPUSH, UUID of its status ("": it has none),
--       status, seconds to keep that, number of its guards, the guards
-- Answer: for each job 1 pushed or 0 refused
local now, taken, place, jobs, pushed = tonumber(ARGV[3]), {}, 4, {}, {}
while place <= #ARGV do
  local key, count = ARGV[2] .. 'queue:' .. ARGV[place], tonumber(ARGV[place + 6])
  local kind = redis.call('TYPE', key).ok
  if ARGV[place] ~= '' and kind ~= 'list' and kind ~= 'none' then
    return redis.error_reply('WRONGTYPE ' .. key .. ' is a ' .. kind .. ', not a list of jobs')
  end
  local refused = is_refused(ARGV[2], ARGV, place + 7, count, now, taken)
  if not refused then
    jobs[#jobs + 1] = place
    for n = place + 7, place + 6 + 3 * count, 3 do taken[ARGV[n]] = true end
  end
  pushed[#pushed + 1] = refused and 0 or 1
  place = place + 7 + 3 * count
end
-- From here on nothing fails but the first write: what else could was asked before.
for _, job in ipairs(jobs) do
  if ARGV[job] ~= '' then
    redis.call('SADD', KEYS[2], ARGV[job])
    redis.call(ARGV[job + 2], ARGV[2] .. 'queue:' .. ARGV[job], ARGV[job + 1])
  end
  take_guards(ARGV[2], ARGV, job + 7, tonumber(ARGV[job + 6]), now)
  if ARGV[job + 3] ~= '' then write_status(ARGV[2], ARGV, job + 3, now) end
end
return pushed
