-- Count what the process of a worker has done since it told last, and note how many jobs all workers have done by now.
-- KEYS: 1 once:TOKEN, 2 stat:processed, 3 stat:failed, 4 history:seen, 5... the histories
-- ARGV: 1 seconds to remember, 2 now, 3 prefix, 4 fields of a day at most, 5 seconds that a day is kept, 6 how many histories there
--       are, then of each: length of a piece in seconds, pieces; then class, processed, failed, over and over
-- Answer: 1
-- A history is a hash with as many fields as it has pieces. The field NUMBER % PIECES holds four numbers: NUMBER (the seconds since
-- 1970 divided by the length), jobs processed and failed in that piece, and 1 if nobody looked while it lasted.

-- What a counter says; nil where the key holds something else.
local function total(key)
  local value = redis.pcall('GET', key)
  if value == false then return 0 end
  return type(value) == 'string' and value:match('^%d+$') and tonumber(value) or nil
end

-- How many of `count` jobs, done evenly from one moment to another, were done by this one.
local function share(count, from, to, moment)
  if moment <= from then return 0 end
  return moment >= to and count or math.floor(count * (moment - from) / (to - from) + 0.5)
end

-- Add jobs that were done between two moments to the pieces of a history that they fall into.
local function add(key, length, pieces, from, to, processed, failed)
  if not is_kind(key, 'hash') then return end
  local last = math.floor(to / length)
  local first = math.max(math.floor(from / length), last - pieces + 1)
  for number = first, last do
    local start, stop = number * length, (number + 1) * length
    local done = share(processed, from, to, stop) - share(processed, from, to, start)
    local broken = share(failed, from, to, stop) - share(failed, from, to, start)
    if done > 0 or broken > 0 then
      local before, p, f, unseen = (redis.call('HGET', key, number % pieces) or ''):match('^(%d+) (%d+) (%d+) ([01])$')
      if tonumber(before) ~= number then p, f, unseen = 0, 0, start > from and number < last and 1 or 0 end
      redis.call('HSET', key, number % pieces, ('%d %d %d %d'):format(number, p + done, f + broken, unseen))
    end
  end
  redis.call('EXPIRE', key, length * pieces)
end

local function note(told)
  local now, processed, failed = tonumber(ARGV[2]), total(KEYS[2]), total(KEYS[3])
  if not processed or not failed or not is_kind(KEYS[4], 'hash') then return end
  local seen = redis.call('HMGET', KEYS[4], 'at', 'processed', 'failed')
  local at, before, failed_before = tonumber(seen[1] or ''), tonumber(seen[2] or ''), tonumber(seen[3] or '')
  if not (at and before and failed_before) then -- the first look: all that is known to be of now is what this call tells
    at, before, failed_before = now, math.max(0, processed - told[1]), math.max(0, failed - told[2])
    redis.call('HSET', KEYS[4], 'since', now)
  end
  -- A counter that is lower than it was has been set, or Redis came back with older data: what that means nobody knows.
  local done, broken = math.max(0, processed - before), math.max(0, failed - failed_before)
  for n = 0, tonumber(ARGV[6]) - 1 do
    local length, pieces = tonumber(ARGV[7 + 2 * n]), tonumber(ARGV[8 + 2 * n])
    add(KEYS[5 + n], length, pieces, math.min(at, now), now, done, broken)
  end
  redis.call('HSET', KEYS[4], 'at', now, 'processed', processed, 'failed', failed)
  redis.call('EXPIRE', KEYS[4], 400 * DAY)
end

local rows, told = 7 + 2 * ARGV[6], {0, 0}
for n = rows, #ARGV, 3 do told = {told[1] + ARGV[n + 1], told[2] + ARGV[n + 2]} end
count_classes('python', ARGV, 2, rows)
note(told)
return 1
