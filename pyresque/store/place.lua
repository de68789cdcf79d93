-- Put in front of the scripts that look for an element of a list.
-- Its place, the first one where it stands several times; nothing if it is not there.
local function place_of(key, element)
  local place = 0
  repeat
    local step = place == 0 and 1 or 100 -- mostly it is the first
    local elements = redis.call('LRANGE', key, place, place + step - 1)
    for i, one in ipairs(elements) do
      if one == element then return place + i - 1 end
    end
    place = place + step
  until #elements < step
end
