-- Put in front of the scripts that ask for locks.
-- A lock holds the second at which it expires, as in Ruby; what is not a number holds for ever. Redis forgets ours by itself,
-- Ruby's never. Who holds one of ours is stored beside it. Where that ends with ".ID#WORD" (ID in hex) it is the job of a
-- worker, and holds nothing any more when no registered worker has that word: it was removed, and its job given
-- to others. That worker may have another id by now.
local function is_retired(prefix, key)
  if redis.call('TTL', key) < 0 then return false end
  local owner = redis.call('GET', prefix .. 'pyresque:owner:' .. key:sub(#prefix + 1))
  local id, word = (owner or ''):match('%.(%x*)(#%x+)$')
  if not word then return false end
  local workers = prefix .. 'pyresque:workers'
  local mark = redis.pcall('HGET', workers, (id:gsub('%x%x', function(code) return string.char(tonumber(code, 16)) end)))
  if type(mark) == 'string' and mark:sub(-#word) == word then return false end
  local marks = redis.pcall('HVALS', workers)
  if marks.err then return false end
  for _, mark in ipairs(marks) do
    if mark:sub(-#word) == word then return false end
  end
  return true
end

local function is_held(prefix, key, now)
  local value = redis.call('GET', key)
  local till = value and value:match('^%d+$')
  if not value or (till and tonumber(till) < now) then return false end
  return not is_retired(prefix, key)
end
