-- Push batches of jobs, once. Asked again with the same token it only repeats its answer.
-- KEYS: 1 once:TOKEN, 2 queues, 3... queue:Q of each batch
-- ARGV: 1 seconds to remember, then for each batch: queue name, number of jobs, the jobs
for n = 3, #KEYS do
  local kind = redis.call('TYPE', KEYS[n]).ok
  if kind ~= 'list' and kind ~= 'none' then
    return redis.error_reply('WRONGTYPE ' .. KEYS[n] .. ' is a ' .. kind .. ', not a list of jobs')
  end
end
local pushed, place = 0, 2
for n = 3, #KEYS do
  local count, last = tonumber(ARGV[place + 1]), place + 1
  redis.call('SADD', KEYS[2], ARGV[place])
  for first = place + 2, place + 1 + count, 1000 do
    last = math.min(first + 999, place + 1 + count)
    redis.call('RPUSH', KEYS[n], unpack(ARGV, first, last))
  end
  pushed, place = pushed + count, last + 1
end
return pushed
