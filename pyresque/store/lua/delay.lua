-- Delay a job, once; on request instead of what is delayed already, and on request at once.
-- KEYS: 1 once:TOKEN, 2 delayed:EPOCH, 3 timestamps:ITEM, 4 delayed_queue_schedule, 5 queues, 6 queue:Q
-- ARGV: 1 seconds to remember, 2 prefix, 3 epoch ("": put it on its queue now), 4 item, 5 queue, 6 payload,
--       7 copies of each that go (0: all), 8 how often it is written at least,
--       9... what it replaces: name of a delayed list, item, and so on
-- Answer: how often it was written: once for each copy that was removed, but not less than asked for
local later = ARGV[3] ~= ''
local wanted = later and {[2] = 'list', [3] = 'set', [4] = 'zset'} or {[5] = 'set', [6] = 'list'}
for n, kind in pairs(wanted) do
  local found = redis.call('TYPE', KEYS[n]).ok
  if found ~= kind and found ~= 'none' then
    return redis.error_reply('WRONGTYPE ' .. KEYS[n] .. ' is a ' .. found .. ', not a ' .. kind)
  end
end
local removed = 0
for n = 9, #ARGV, 2 do
  local found = redis.call('LREM', ARGV[2] .. ARGV[n], ARGV[7], ARGV[n + 1])
  if found > 0 then redis.call('SREM', ARGV[2] .. 'timestamps:' .. ARGV[n + 1], ARGV[n]) end
  removed = removed + found
end
local copies = math.max(tonumber(ARGV[8]), removed)
for _ = 1, copies do redis.call('RPUSH', later and KEYS[2] or KEYS[6], later and ARGV[4] or ARGV[6]) end
if copies > 0 and later then
  redis.call('SADD', KEYS[3], 'delayed:' .. ARGV[3])
  redis.call('ZADD', KEYS[4], ARGV[3], ARGV[3])
elseif copies > 0 then
  redis.call('SADD', KEYS[5], ARGV[5])
end
return copies
