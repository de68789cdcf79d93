-- Put in front of the scripts that take an element out of a list.

-- Take this element out, the one at this place if it stands there, else the first one like it. Answer: how many went.
-- LREM compares all elements on its way. So in a long list it comes from the end that is nearer: there it must look for what
-- is only once.
local function pull(key, place, element)
  local behind = redis.call('LLEN', key) - place
  if place > 500 and behind < place and redis.call('LINDEX', key, place) == element then
    local mark = '\0' .. word
    -- A full Redis refuses this, and nothing else here.
    if not redis.pcall('LSET', key, place, mark).err then return redis.call('LREM', key, -1, mark) end
  end
  return redis.call('LREM', key, 1, element)
end
