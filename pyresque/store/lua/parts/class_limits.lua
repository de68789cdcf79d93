-- Put in front of the scripts that take jobs: how many jobs of a class may run at a time, and begin within a time.
-- Limits are one text: of each class that has some its name, jobs that may begin, within so many milliseconds (0: any), jobs that
-- may run at a time (0: any), a NUL behind each.
local AGAIN = 1000

-- Whether a worker works on a job of this class: that is what its worker:ID says, whoever has written it or removed it.
local function works_on(prefix, id, class)
  local record = redis.pcall('GETRANGE', prefix .. 'worker:' .. id, 0, 2000)
  if type(record) ~= 'string' then return false end
  if record:find('"payload":{"class":"', 1, true) then return record:find('"payload":{"class":"' .. class .. '"', 1, true) ~= nil end
  return #record > 2000 or record:find('"class":"' .. class .. '"', 1, true) ~= nil
end

-- How many other workers work on jobs of this class; who does so no more leaves the set.
local function others_at_work(prefix, running, id, class)
  local count = 0
  for _, other in ipairs(redis.call('SMEMBERS', running)) do
    if other == id or not works_on(prefix, other, class) then redis.call('SREM', running, other) else count = count + 1 end
  end
  return count
end

-- The clock was set back since these jobs began: they count as begun now, so that nobody waits for the time of before.
local function count_as_now(starts, now)
  for n, start in ipairs(redis.call('LRANGE', starts, 0, -1)) do
    if (tonumber(start) or 0) > now then redis.call('LSET', starts, n - 1, string.format('%d', now)) end
  end
  return now
end

-- Milliseconds after which to ask again where a job of this class has to wait, and what is wrong if something is; nil where it
-- may begin: that is noted.
local function has_to_wait(prefix, id, class, limits)
  local most, within, at_a_time
  for name, jobs, time, places in limits:gmatch('([^%z]+)%z(%d+)%z(%d+)%z(%d+)%z') do
    if name == class then most, within, at_a_time = tonumber(jobs), tonumber(time), tonumber(places) end
  end
  if not most then return nil end
  local running, starts = prefix .. 'pyresque:running:' .. class, prefix .. 'pyresque:starts:' .. class
  local kinds = {set = redis.call('TYPE', running).ok, list = redis.call('TYPE', starts).ok}
  for wanted, kind in pairs(kinds) do
    if kind ~= wanted and kind ~= 'none' then return AGAIN, prefix .. 'pyresque:*:' .. class .. ' is a ' .. kind end
  end
  if at_a_time > 0 and others_at_work(prefix, running, id, class) >= at_a_time then return AGAIN end
  if most > 0 then
    local time = redis.call('TIME')
    local now = time[1] * 1000 + math.floor(time[2] / 1000)
    local first = tonumber(redis.call('LINDEX', starts, most - 1) or '-1')
    if first and first > now then first = count_as_now(starts, now) end
    if first and first >= 0 and now - first < within then return math.max(1, math.min(within, first + within - now)) end
    redis.call('LPUSH', starts, string.format('%d', now))
    redis.call('LTRIM', starts, 0, most - 1)
    redis.call('PEXPIRE', starts, within)
  end
  if at_a_time > 0 then redis.call('SADD', running, id) end
  return nil
end
