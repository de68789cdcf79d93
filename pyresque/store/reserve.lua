-- Take the next job that this worker knows, and say so in worker:ID, in one step.
--
-- KEYS: 1 worker:ID, 2 pause-all-workers, 3 queues, 4 pause:all, 5 workers, 6 worker:ID:started,
--       7... queue:Q in the order to look at them, then pause:queue:Q of each
-- ARGV: 1 run_at, 2 known classes as NUL name NUL name NUL ("*": every class; "?" before the names:
--       the caller wants to see unknown ones), 3 the names in the set
--       `queues` that the order was made from, each with a NUL behind it ("-": the order is fixed),
--       4 number of the queue to begin at, 5 offset in it, 6 ID, 7 what we wrote to worker:ID:started,
--       8... the queue names as JSON
-- Answer: {what, troubles, ...}
--   job N record ....... taken from the Nth queue
--   held record ........ worker:ID already holds a job: an earlier answer was lost
--   look N offset e... . at this offset stand elements that only the caller can judge
--   more N offset ...... enough looked at for one call: go on from there
--   queues names ....... the set of queues has changed: make a new order
--   stranger ........... the worker is not registered: nobody would find the job if it died
--   namesake ........... another worker has registered under its id: what worker:ID holds may be that one's
--   paused, none
local wrong = {}
-- An Active Job's own class stands inside; among the known classes it has this name and a blank before it.
local WRAPPER = 'ActiveJob::QueueAdapters::ResqueAdapter::JobWrapper'

local function read(...)
  local reply = redis.pcall(...)
  if type(reply) == 'table' and reply.err then
    if not reply.err:find('WRONGTYPE', 1, true) then error(reply.err) end
    local words = {...}
    wrong[#wrong + 1] = words[2] .. ': ' .. reply.err
    return nil
  end
  return reply
end

-- Each valid sequence becomes a blank, not nothing: what stood around it must not close up to a new one.
local function without_valid_utf8(text)
  text = text:gsub('[\194-\223][\128-\191]', ' ')
  text = text:gsub('\224[\160-\191][\128-\191]', ' ')
  text = text:gsub('\237[\128-\159][\128-\191]', ' ')
  text = text:gsub('[\225-\236\238\239][\128-\191][\128-\191]', ' ')
  text = text:gsub('\240[\144-\191][\128-\191][\128-\191]', ' ')
  text = text:gsub('[\241-\243][\128-\191][\128-\191][\128-\191]', ' ')
  return (text:gsub('\244[\128-\143][\128-\191][\128-\191]', ' '))
end

-- Whether these bytes may go into worker:ID as they are: JSON just as Ruby writes it, that every Resque
-- reads, and that means the class at its beginning. Doubt is no: then the caller decides, who can do it properly.
local function plain(raw)
  if #raw > 16384 or raw:find('%c') or raw:find('\\[u/]') then return false end
  if raw:find('"class"', 10, true) then return false end
  if raw:find('[\128-\255]') and without_valid_utf8(raw):find('[\128-\255]') then return false end
  local bones = raw:gsub('\\.', ''):gsub('"[^"]*"', '"')
  bones = bones:gsub('true', ''):gsub('false', ''):gsub('null', '')
  if bones:find('[^%[%]{}:,"%d%.%-]') or bones:find('[^%d%.]0%d') or bones:find('%-0%f[^%d%.]') then return false end
  for number in bones:gmatch('[%d%.%-]*%.[%d%.%-]*') do
    local ordinary = number:find('^%-?%d+%.%d*[1-9]$') or number:find('^%-?%d+%.0$')
    if not ordinary or #number > 15 or number:find('^%-?0%.000') then return false end
  end
  if #bones > 300 and bones:find(('%d'):rep(300)) then return false end
  local ok, value = pcall(cjson.decode, raw)
  if not ok then return false end
  local keys, depth = measure(value, 0)
  local _, colons = bones:gsub(':', '')
  return keys == colons and depth < 60
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

local function reserve(KEYS, ARGV)
  local current, started = unpack(redis.call('MGET', KEYS[1], KEYS[6]))
  if is_anothers(started, ARGV[7]) then return {'namesake', wrong} end
  if current then return {'held', wrong, current} end
  local first, offset = tonumber(ARGV[4]), tonumber(ARGV[5])
  if first == 1 and offset == 0 then
    local pause = read('GET', KEYS[2])
    if pause and pause:lower():match('^%s*(.-)%s*$') == 'true' then return {'paused', wrong} end
    if ARGV[3] ~= '-' then
      local members = changed_queues(KEYS, ARGV)
      if members then return {'queues', wrong, members} end
    end
  end

  local known, looked = ARGV[2], 0
  local ask = known:sub(1, 1) == '?'
  local count = (#KEYS - 6) / 2
  for n = first, count do
    local key = KEYS[6 + n]
    local step = 1
    while true do
      local elements = read('LRANGE', key, offset, offset + step - 1)
      if not elements or #elements == 0 then break end
      if redis.call('EXISTS', KEYS[4], KEYS[6 + count + n]) > 0 then break end
      for i, raw in ipairs(elements) do
        local class = raw:match('^{"class":"([^"\\:%-][^"\\%-]*)",')
        if class == WRAPPER then
          class = raw:match('^{"class":"[^"]*","args":%[{"job_class":"([^"\\:%-][^"\\%-]*)",')
          class = class and WRAPPER .. ' ' .. class
        end
        local wanted = class and (known == '*' or known:find('\0' .. class .. '\0', 1, true))
        if not class or (not wanted and (ask or raw:find('"class"', 10, true))) or (wanted and not plain(raw)) then
          local window = redis.call('LRANGE', key, offset + i - 1, offset + i + 48)
          return {'look', wrong, n, offset + i - 1, unpack(window)}
        end
        if wanted then
          local is_out = ARGV[7] ~= '' and not started
          if is_out or redis.pcall('SISMEMBER', KEYS[5], ARGV[6]) == 0 then return {'stranger', wrong} end
          local record = '{"queue":' .. ARGV[7 + n] .. ',"run_at":"' .. ARGV[1] .. '","payload":' .. raw .. '}'
          if offset == 0 and i == 1 then
            redis.call('LPOP', key)
          else
            redis.call('LREM', key, 1, raw)
          end
          redis.call('SET', KEYS[1], record)
          return {'job', wrong, n, record}
        end
      end
      looked, offset, step = looked + #elements, offset + #elements, 100
      if looked > 1000 then return {'more', wrong, n, offset} end
    end
    offset = 0
  end
  return {'none', wrong}
end
