-- Move due delayed jobs to their queues, a batch in one step.
-- KEYS: 1 delayed_queue_schedule, 2 queues, 3 master lock
-- ARGV: 1 prefix, 2 now, 3 what the lock must hold ("": not asked), 4 milliseconds to renew it for,
--       5 classes that the caller wants to see, as NUL name NUL name NUL, 6 jobs in a batch
-- Answer: {what, troubles, jobs moved, ...}
--   lost ................. the lock is another's: nothing was done
--   more ................. there may be more that is due
--   look {list, item ...}  the next jobs, from the first on that only the caller can judge
--   done score ........... nothing more is due; the next second in delayed_queue_schedule ("": none)
-- What is pushed is pushed before anything is removed: a Redis that is full refuses the first write only.
local batch, LARGE = tonumber(ARGV[6]), 1048576
local moved, size, looking, more = 0, 0, false, false
local look, order, pushes, trims, gone, foreign = {}, {}, {}, {}, {}, {}

if ARGV[3] ~= '' then
  if text_of(KEYS[3]) ~= ARGV[3] then return {'lost', troubles, 0} end
  redis.call('PEXPIRE', KEYS[3], ARGV[4])
end

-- Look at one item; nothing more is moved after the first that the caller must judge, or order were lost.
local function see(list, item)
  local class, args, queue
  if not looking then class, args, queue = canonical(item) end
  if not class or (ARGV[5] ~= '' and ARGV[5]:find('\0' .. class .. '\0', 1, true)) then
    looking = true
    look[#look + 1], look[#look + 2] = list, item
    return 0
  end
  if not pushes[queue] then
    order[#order + 1] = queue
    pushes[queue] = {}
  end
  local jobs = pushes[queue]
  jobs[#jobs + 1] = '{"class":"' .. class .. '","args":' .. args .. '}'
  return 1
end

local function read(list)
  local key, taken, place, ends = ARGV[1] .. list, 0, 0, false
  local first = {}
  while moved + #look / 2 < batch and size < LARGE do
    local step = math.min(place == 0 and 5 or 25, batch - moved - #look / 2)
    local items = redis.call('LRANGE', key, place, place + step - 1)
    for i, item in ipairs(items) do
      local done = see(list, item)
      taken, moved, size = taken + done, moved + done, size + #item
      if done == 1 then first[taken] = item end
    end
    place = place + #items
    ends = #items < step
    if ends then break end
  end
  if taken > 0 then trims[#trims + 1] = {list, taken, first, ends and taken == place} end
end

local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[2], 'LIMIT', 0, batch)
for n, member in ipairs(due) do
  if moved + #look / 2 >= batch or size >= LARGE then more = true break end
  local list = 'delayed:' .. member
  local kind = redis.call('TYPE', ARGV[1] .. list).ok
  if kind == 'list' then read(list)
  elseif kind == 'none' then gone[#gone + 1] = member
  else foreign[#foreign + 1] = member end
  -- What is not a whole number hangs every Ruby master: it goes, and the second that it means is kept.
  local whole = member:match('^(%d+)%.%d*$')
  if whole and redis.call('TYPE', ARGV[1] .. 'delayed:' .. whole).ok == 'list' then
    redis.call('ZADD', KEYS[1], whole, whole)
    more = true
  end
end

for _, queue in ipairs(order) do
  local key, jobs = ARGV[1] .. 'queue:' .. queue, pushes[queue]
  for first = 1, #jobs, 1000 do -- Lua has no room for more words at a time
    local last = math.min(first + 999, #jobs)
    local words = {last - first + 3, 'RPUSH', key, unpack(jobs, first, last)}
    apply(ARGV[1], words, 1, #words)
  end
  attempt({'SADD', KEYS[2], queue})
end
for _, trim in ipairs(trims) do
  local key, before = ARGV[1] .. trim[1], nil
  for _, item in ipairs(trim[3]) do
    if item ~= before then
      local noted = ARGV[1] .. 'timestamps:' .. item
      checked(noted, redis.pcall('SREM', noted, trim[1]))
    end
    before = item
  end
  if trim[4] then redis.call('UNLINK', key) else redis.call('LTRIM', key, trim[2], -1) end
  if trim[4] or redis.call('EXISTS', key) == 0 then gone[#gone + 1] = trim[1]:sub(9) end
end
for _, member in ipairs(foreign) do
  troubles[#troubles + 1] = ARGV[1] .. 'delayed:' .. member .. ' is not a list of jobs: its second is forgotten'
  set_aside(ARGV[1], 'delayed_queue_schedule', member, troubles[#troubles])
  gone[#gone + 1] = member
end
for _, member in ipairs(gone) do redis.call('ZREM', KEYS[1], member) end

if looking then return {'look', troubles, moved, look} end
if more or #due == batch or size >= LARGE or moved >= batch then return {'more', troubles, moved} end
local next = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
return {'done', troubles, moved, next[2] or ''}
