-- Put in front of the scripts that mark a failure as retried.
-- ARGV[3] is how many records, in turn the record, its marked form and its place (-1: not known): first the one that
-- is meant, then its copies. KEYS[2] and on are their lists. Of records with the same bytes the one at its place is meant.
local marks = tonumber(ARGV[3])
local after_marks = 4 + 3 * marks

local function place_of_mark(n)
  local list, record, place = KEYS[1 + n], ARGV[1 + 3 * n], ARGV[3 + 3 * n]
  if place ~= '-1' and redis.call('LINDEX', list, place) == record then return place end
  return redis.call('LPOS', list, record)
end

-- The one that is meant is at this index; a copy that is gone, or was marked meanwhile, is left alone.
local function mark(place)
  redis.call('LSET', KEYS[2], place, ARGV[5])
  for n = 2, marks do
    local other = redis.call('TYPE', KEYS[1 + n]).ok == 'list' and place_of_mark(n)
    if other then redis.call('LSET', KEYS[1 + n], other, ARGV[2 + 3 * n]) end
  end
end
