-- Put in front of the scripts that take an element out of a list.

-- Remove this element, the one at this index if it is there, else the first one like it. Answer: how many were removed.
-- LREM compares all elements on its way. So in a long list it comes from the end that is nearer: there it must look for what
-- is only once.
local function remove_at(key, index, element)
  local behind = redis.call('LLEN', key) - index
  if index > 500 and behind < index and redis.call('LINDEX', key, index) == element then
    local mark = '\0' .. word
    -- A full Redis refuses this, and nothing else here.
    if not redis.pcall('LSET', key, index, mark).err then return redis.call('LREM', key, -1, mark) end
  end
  return redis.call('LREM', key, 1, element)
end
