-- Put in front of the scripts that end or retry a failure: finding the value that its record leads to.

-- A link, `LIST SHA1`, in its parts; nothing if it is none.
local function parts_of(link)
  local name, digest = tostring(link):match('^(%S+) (%x+)$')
  if not name then return end
  return name:gsub('%%(%x%x)', function(hex) return string.char(tonumber(hex, 16)) end), digest
end

-- Name of the list behind `pyresque:aside:` and SHA1 of the value; nothing where a record tells of none.
local function link_of(record)
  if not record:find('yresque', 1, true) and not record:find('"payload"%s*:%s*"') then return end
  local ok, value = pcall(cjson.decode, record)
  if not ok or type(value) ~= 'table' then return end
  local payload = value.payload
  if value.pyresque_aside then return parts_of(value.pyresque_aside) end
  if type(payload) == 'table' and payload.class == 'Pyresque::SetAside' and type(payload.args) == 'table' then
    return parts_of(payload.args[1])
  end
  -- As 0.1.0 wrote it.
  if type(payload) == 'string' and type(value.queue) == 'string' then
    return 'queue:' .. value.queue, redis.sha1hex(payload)
  end
end

-- How many elements were looked at here: whoever has many links to follow stops in time.
local looked = 0

-- The full key of that list, the value itself, and from which end LREM finds it; nothing where it is gone.
local function find_aside(prefix, name, digest)
  local key, place = prefix .. 'pyresque:aside:' .. name, 0
  -- Mostly it is the first or, where many records go, the last.
  local last = redis.pcall('LINDEX', key, -1)
  if type(last) == 'string' and redis.sha1hex(last) == digest then return key, last, -1 end
  repeat
    local step = place == 0 and 1 or 100
    local elements = redis.pcall('LRANGE', key, place, place + step - 1)
    looked = looked + #elements
    for _, element in ipairs(elements) do
      if redis.sha1hex(element) == digest then return key, element, 1 end
    end
    place = place + step
  until #elements < step
end

-- A record is going: so does what it tells of.
local function forget_aside(prefix, record)
  local name, digest = link_of(record)
  if not name then return end
  local key, element, from = find_aside(prefix, name, digest)
  if key then redis.call('LREM', key, from, element) end
end

local function is_kind(key, kind)
  local found = redis.call('TYPE', key).ok
  return found == kind or found == 'none'
end

-- A value goes back where it came from, a delayed job to this second. Answer: 1, -1 it is not there any more,
-- -2 it came from nowhere that it could go back to, -3 there is no list (or set) where it should go
local function put_back(prefix, name, digest, second)
  local key, element, from
  if name then key, element, from = find_aside(prefix, name, digest) end
  if not key then return -1 end
  if name:find('^queue:') then
    if not is_kind(prefix .. name, 'list') or not is_kind(prefix .. 'queues', 'set') then return -3 end
    redis.call('RPUSH', prefix .. name, element)
    redis.call('SADD', prefix .. 'queues', name:sub(7))
  elseif name:find('^delayed:') then
    local list, noted, seconds = 'delayed:' .. second, prefix .. 'timestamps:' .. element, prefix .. 'delayed_queue_schedule'
    if not is_kind(prefix .. list, 'list') or not is_kind(noted, 'set') or not is_kind(seconds, 'zset') then return -3 end
    redis.call('RPUSH', prefix .. list, element)
    redis.call('SADD', noted, list)
    redis.call('ZADD', seconds, second, second)
  else
    return -2
  end
  redis.call('LREM', key, from, element)
  return 1
end
