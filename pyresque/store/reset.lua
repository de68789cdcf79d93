-- Forget every delayed job, once.
-- KEYS: 1 once:TOKEN, 2 delayed_queue_schedule.  ARGV: 1 seconds to remember, 2 prefix
-- Answer: how many jobs there were
local answer = redis.call('GET', KEYS[1])
if answer then return tonumber(answer) end
local jobs = 0
for _, member in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
  local key = ARGV[2] .. 'delayed:' .. member
  if redis.call('TYPE', key).ok == 'list' then
    local place = 0
    repeat
      local items = redis.call('LRANGE', key, place, place + 999)
      for _, item in ipairs(items) do redis.call('UNLINK', ARGV[2] .. 'timestamps:' .. item) end
      place = place + #items
    until #items < 1000
    jobs = jobs + place
    redis.call('UNLINK', key)
  end
end
redis.call('UNLINK', KEYS[2])
redis.call('SET', KEYS[1], jobs, 'EX', ARGV[1])
return jobs
