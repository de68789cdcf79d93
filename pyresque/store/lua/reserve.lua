-- Take the next job that this worker knows, and say so in worker:ID, in one step.
--
-- KEYS: 1 worker:ID, 2 pause-all-workers, 3 queues, 4 pause:all, 5 workers, 6 worker:ID:started,
--       7... queue:Q in the order to look at them, then pause:queue:Q of each
-- ARGV: 1 run_at, 2 known classes as NUL name NUL name NUL ("*": every class but those behind it; "?" before the names:
--       the caller wants to see unknown ones), 3 the names in the set
--       `queues` that the order was made from, each with a NUL behind it ("-": the order is fixed),
--       4 number of the queue to begin at, 5 offset in it (1 and 0: a new look), 6 elements that the caller judges at a
--       time, 7 ID, 8 what we wrote to worker:ID:started, 9 limits of classes (parts/class_limits.lua),
--       10... the queue names as JSON, then for some queues their place:
--       number, how many elements the caller has left there to others, its mark (see mark_of; in an answer "" is a place
--       too near to be kept, "-" says that also for the place that was given, and "=" is the mark that was given)
-- Answer: {what, notes, ...}; a note is "key: error", or of a class that was left to others NUL class NUL key
--   job N record offset mark .. taken from the Nth queue, at this offset
--   held record ............... worker:ID already holds a job: an earlier answer was lost
--   look N offset mark e... ... elements from this offset on that only the caller can judge
--   limited class ms .......... the next job is of this class, and has to wait: leave it out, and ask again; so long
--   more N offset mark ........ enough looked at for one call: go on from there
--   queues names .............. the set of queues has changed: make a new order
--   stranger .................. the worker is not registered: nobody would find the job if it died
--   namesake .................. another worker has registered under its id: what worker:ID holds may be that one's
--   paused, none
--
-- Before its place a queue is looked at no more, but for its head, where jobs are put back. Nothing says what has become of
-- the list meanwhile, so a place has a mark. Only who has seen everything from the head on, now and then, has missed nothing.
local notes, noted = {}, {}
-- An Active Job's own class is inside; among the known classes it has this name and a blank before it.
local WRAPPER = 'ActiveJob::QueueAdapters::ResqueAdapter::JobWrapper'

local function read(...)
  local reply = redis.pcall(...)
  if type(reply) == 'table' and reply.err then
    if not reply.err:find('WRONGTYPE', 1, true) then error(reply.err) end
    local words = {...}
    notes[#notes + 1] = words[2] .. ': ' .. reply.err
    return nil
  end
  return reply
end

-- Whether these bytes may go into worker:ID as they are: JSON just as Ruby writes it, that every Resque
-- reads, and that means the class at its beginning. Doubt is no: then the caller decides, who can do it properly.
local function plain(raw)
  if raw:find('"class"', 10, true) or not is_text(raw) then return false end
  local bones = bones_of(raw)
  if not bones or bones:find('%-0%f[^%d%.]') then return false end
  for number in bones:gmatch('[%d%.%-]*%.[%d%.%-]*') do
    local ordinary = number:find('^%-?%d+%.%d*[1-9]$') or number:find('^%-?%d+%.0$')
    if not ordinary or #number > 15 or number:find('^%-?0%.000') then return false end
  end
  return true
end

local function changed_queues(KEYS, ARGV)
  local members = read('SMEMBERS', KEYS[3]) or {}
  local expected, length = {}, 0
  for name in ARGV[3]:gmatch('([^%z]*)%z') do expected[name] = true end
  for _, name in ipairs(members) do
    length = length + #name + 1
    -- A name with a NUL in it has been cut by the loop above.
    if not expected[name] and not (name:find('%z') and ('\0' .. ARGV[3]):find('\0' .. name .. '\0', 1, true)) then
      return members
    end
  end
  return length ~= #ARGV[3] and members or nil
end

-- Whether this may be what no Ruby reads, so that the worker that takes it ends: cut off, or with NaN or Infinity in it. That
-- is asked of others' jobs, without reading them: there is nothing else that a program in Ruby can have written.
local function suspect(raw)
  return raw:byte(-1) ~= 125 or raw:find('NaN', 1, true) or raw:find('Infinity', 1, true)
end

-- Of each class that is left to others one note, for whoever wonders.
local function note_left(class, key)
  local note = '\0' .. class .. '\0' .. key
  if noted[note] or #notes >= 50 or #class > 200 then return end
  noted[note] = true
  notes[#notes + 1] = note
end

-- What raw is to this worker: 'take' it, 'leave' it to others (that class), or the caller has to 'look'.
local function judged(raw, known)
  local class = raw:match('^{"class":"([^"\\:%-][^"\\%-]*)",')
  if class == WRAPPER then
    class = raw:match('^{"class":"[^"]*","args":%[{"job_class":"([^"\\:%-][^"\\%-]*)",')
    class = class and WRAPPER .. ' ' .. class
  end
  if not class then return 'look' end
  local is_named = known:find('\0' .. class .. '\0', 1, true) ~= nil
  if is_named ~= (known:byte() == 42) then return 'take', class end
  if known:sub(1, 1) == '?' or raw:find('"class"', 10, true) or suspect(raw) then return 'look' end
  return 'leave', class
end

local HEAD, NEAR, BACK, LARGE, SHORT = 15, 200, 31, 65536, 1024

-- What tells an element from others: itself, or of a large one its length and ends.
local function shortened(raw)
  return #raw <= SHORT and raw or #raw .. ' ' .. raw:sub(1, 400) .. raw:sub(-400)
end

-- The mark of a place: what tells the element before it, the last that was left, from others.
local function mark_of(key, offset, place)
  if offset < NEAR then return place == false and '-' or '' end
  local mark = shortened(redis.call('LINDEX', key, offset - 1))
  return place and place[2] == mark and '=' or mark
end

-- Where to go on behind a place: others may have taken elements before it, or put some there. Of several that have its mark
-- the first one near it is meant: rather look at some elements twice than pass one over. But what only the caller can judge
-- may be what it has just left: to begin with that again would never end.
local function beyond(key, place, mark, known)
  local first, step, size, found, wanted = place, 1, 0, nil, nil
  while first > 0 and place - first < BACK and size < LARGE do
    local last = first - 1
    first = math.max(0, first - step)
    local elements = read('LRANGE', key, first, last) or {}
    for i = #elements, 1, -1 do
      if shortened(elements[i]) == mark then found = first + i end
      if judged(elements[i], known) == 'take' and plain(elements[i]) then wanted = first + i - 1 end
      size = size + #elements[i]
    end
    step = step * 2
  end
  local at = not found and #mark <= SHORT and redis.pcall('LPOS', key, mark)
  if type(at) == 'number' then found = at + 1 end
  return math.min(found or 0, wanted or math.huge)
end

-- Whether the place is where it was, as far as the element before it can tell.
local function is_behind(key, place)
  local last = redis.call('LINDEX', key, place[1] - 1)
  return last and shortened(last) == place[2]
end

-- Up to so many elements from this offset on, few where they are large.
local function window(key, offset, most, raw)
  local elements, size = {raw}, #raw
  while #elements < most and size < LARGE do
    local fit = math.floor((LARGE - size) * #elements / size)
    local step = math.min(most - #elements, #elements, math.max(1, fit))
    local further = redis.call('LRANGE', key, offset + #elements, offset + #elements + step - 1)
    for _, one in ipairs(further) do
      elements[#elements + 1] = one
      size = size + #one
    end
    if #further < step then break end
  end
  return unpack(elements)
end

local function reserve(KEYS, ARGV)
  local first, offset, known, count = tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[2], (#KEYS - 6) / 2
  -- One question for all, so that an idle worker sends next to nothing: then it has nothing, and finds nothing.
  local filled = redis.call('EXISTS', KEYS[1], KEYS[2], unpack(KEYS, 6 + first, 6 + count)) > 0
  local current, started
  if filled then
    current, started = unpack(redis.call('MGET', KEYS[1], KEYS[6]))
    if is_anothers(started, ARGV[8]) then return {'namesake', notes} end
    if current then return {'held', notes, current} end
  end
  if first == 1 and offset == 0 then
    local pause = filled and read('GET', KEYS[2])
    if pause and pause:lower():match('^%s*(.-)%s*$') == 'true' then return {'paused', notes} end
    if ARGV[3] ~= '-' then
      local members = changed_queues(KEYS, ARGV)
      if members then return {'queues', notes, members} end
    end
  end
  if not filled then return {'none', notes} end

  local looked, read_bytes, places = 0, 0, {}
  for n = 10 + count, #ARGV, 3 do places[tonumber(ARGV[n])] = {tonumber(ARGV[n + 1]), ARGV[n + 2]} end
  for n = first, count do
    local key, place = KEYS[6 + n], places[n]
    local step = 1
    while true do
      if place and offset >= HEAD then
        -- Who goes on in the midst of a look does not begin with what it has just left, however alike it is: it would never end.
        local goes_on = n == first and offset == tonumber(ARGV[5]) and offset == place[1]
        if place[1] >= offset and not (goes_on and is_behind(key, place)) then
          offset, step = beyond(key, place[1], place[2], known), 1
        end
        if offset < NEAR then places[n] = false end
        place = nil
      end
      local elements = read('LRANGE', key, offset, offset + step - 1)
      if not elements or #elements == 0 then break end
      if step == 1 and redis.call('EXISTS', KEYS[4], KEYS[6 + count + n]) > 0 then break end
      local size = 0
      for i, raw in ipairs(elements) do
        local verdict, class = judged(raw, known)
        local at = offset + i - 1
        if verdict == 'take' and not plain(raw) then
          return {'look', notes, n, at, mark_of(key, at, places[n]), raw}
        end
        if verdict == 'look' then
          local most = place and math.min(HEAD - at, 16) or tonumber(ARGV[6])
          return {'look', notes, n, at, mark_of(key, at, places[n]), window(key, at, most, raw)}
        end
        if verdict == 'take' then
          local is_out = ARGV[8] ~= '' and not started
          if is_out or redis.pcall('SISMEMBER', KEYS[5], ARGV[7]) == 0 then return {'stranger', notes} end
          if ARGV[9] ~= '' then
            local wait, trouble = has_to_wait(KEYS[3]:sub(1, -7), ARGV[7], class, ARGV[9])
            notes[#notes + 1] = trouble
            if wait then return {'limited', notes, class, wait} end
          end
          local record = '{"queue":' .. ARGV[9 + n] .. ',"run_at":"' .. ARGV[1] .. '","payload":' .. raw .. '}'
          local mark = mark_of(key, at, places[n])
          remove_at(key, at, raw)
          redis.call('SET', KEYS[1], record)
          return {'job', notes, n, record, at, mark}
        end
        note_left(class, key)
        size = size + #raw
      end
      offset, looked, read_bytes = offset + #elements, looked + #elements, read_bytes + size
      if looked >= 1000 or read_bytes > 16 * LARGE then return {'more', notes, n, offset, mark_of(key, offset, places[n])} end
      step = math.min(step * 2, 32, math.max(1, math.floor(LARGE * #elements / math.max(1, size))))
      if place and offset < HEAD then step = math.min(step, HEAD - offset) end
    end
    offset = 0
  end
  return {'none', notes}
end
