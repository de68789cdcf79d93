-- Put in front of the scripts that look for an element of a list.
-- Its place, the first one where it stands several times; false if it is not there. Redis looks, and reads nothing here.
local function place_of(key, element) return redis.call('LPOS', key, element) end
