-- Move jobs that are scattered over one window of a queue to the end of a queue, or to the front of their own, once.
-- KEYS: 1 once:TOKEN, 2 queue:Q, 3 queue:Q to which they go, 4 queues
-- ARGV: 1 seconds to remember, 2 how many nodes may be passed, 3 LPUSH or RPUSH, 4 name of the queue to which they go,
--       then for each job, from the head to the tail: how far it stood from the end (1: the last), the job
-- Answer: for each "1" moved, "0" it is not there, "+" too much for one call, as one text in a table. Those that go to the front are moved
-- from the last one on, the others from the first one on: so they keep their order.
local sought = {}
for n = 5, #ARGV, 2 do sought[#sought + 1] = {tonumber(ARGV[n]), ARGV[n + 1]} end

local kind = redis.call('TYPE', KEYS[3]).ok
if kind ~= 'list' and kind ~= 'none' then
  return redis.error_reply('WRONGTYPE ' .. KEYS[3] .. ' is a ' .. kind .. ', not a list of jobs')
end
redis.call('UNLINK', KEYS[1]) -- a full Redis lets a script go on that has begun to write

local length, to_front = redis.call('LLEN', KEYS[2]), ARGV[3] == 'LPUSH'
local standing, signs, indexes, jobs, passed = indexes_of(KEYS[2], length, sought), {}, {}, {}, 0
local first, last, step = 1, #sought, 1
if to_front then first, last, step = #sought, 1, -1 end
for i = first, last, step do
  local index = standing[i]
  signs[i] = passed > tonumber(ARGV[2]) and '+' or index and '1' or '0'
  if signs[i] == '1' then
    indexes[#indexes + 1], jobs[#jobs + 1] = index, sought[i][2]
    passed = passed + nodes_to(index, length, sought[i][2])
  end
end
if #jobs > 0 then
  redis.call('SADD', KEYS[4], ARGV[4])
  redis.call(ARGV[3], KEYS[3], unpack(jobs))
  if to_front then
    for i, index in ipairs(indexes) do indexes[i] = index + #jobs end
  end
  remove_indexes(KEYS[2], length, indexes)
end
return {table.concat(signs)}
