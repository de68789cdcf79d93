-- Forget delayed jobs, the first ones up to a second, a number of them at a time. Once.
-- KEYS: 1 once:TOKEN, 2 delayed_queue_schedule.  ARGV: 1 seconds to remember, 2 prefix, 3 the last second ("+inf": all)
-- Answer: {how many jobs there were, 1 if there may be more}
local jobs, looked, size = 0, 0, 0
local due = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', ARGV[3], 'LIMIT', 0, 500)
for n, member in ipairs(due) do
  local list = 'delayed:' .. member
  local key, is_gone = ARGV[2] .. list, true
  if redis.call('TYPE', key).ok == 'list' then
    local step = size > 262144 and 1 or 25
    repeat
      local items = redis.call('LRANGE', key, 0, step - 1)
      for _, item in ipairs(items) do
        redis.pcall('SREM', ARGV[2] .. 'timestamps:' .. item, list)
        size = size + #item
      end
      redis.call('LTRIM', key, #items, -1)
      jobs, looked, is_gone = jobs + #items, looked + #items, #items < step
    until is_gone or looked >= 1000 or size > 1048576
  end
  if is_gone then redis.call('ZREM', KEYS[2], member) end
  looked = looked + 1
  if looked >= 1000 or size > 1048576 then break end
end
if #due == 0 then return {0, 0}, false end
return {jobs, 1}
