-- Put in front of the scripts that mark failures as retried.
-- A failure is in ARGV, from an index on: how many records, then of each its list, its bytes, its marked form and its place
-- (-1: not known); first the one that is meant, then its copies. Of records with the same bytes the one at its place is meant.

-- How far the records of a list have moved since they were seen, and how many nodes of the lists were passed on the way to them.
local moved, nodes_passed = {}, 0

local function after_records(at)
  return at + 1 + 4 * tonumber(ARGV[at])
end

-- Where the record is whose words begin at this index; nothing if it is gone.
local function place_of_record(at)
  local list, record, seen = ARGV[at], ARGV[at + 1], tonumber(ARGV[at + 3])
  local place, length = nil, redis.call('LLEN', list)
  if seen >= 0 then
    local near = math.max(0, seen + (moved[list] or 0))
    place = (redis.call('LINDEX', list, seen) == record and seen) or (redis.call('LINDEX', list, near) == record and near)
  end
  if not place then
    place = redis.call('LPOS', list, record)
    moved[list] = place and seen >= 0 and place - seen or moved[list]
    nodes_passed = nodes_passed + 7 * (place or length) -- it compares, which takes longer than passing a node
  end
  -- Redis keeps 8 KB in a node: it is passed by looking, and by marking.
  if place then
    nodes_passed = nodes_passed + 2 * math.min(place, length - place) * math.min(1, (#record + 8) / 8192)
  end
  return place
end

-- Mark a failure whose words begin at this index. The record that is meant is at this place; a copy that is gone, or was marked
-- meanwhile, is left alone.
local function mark(at, place)
  redis.call('LSET', ARGV[at + 1], place, ARGV[at + 3])
  for copy = at + 5, after_records(at) - 1, 4 do
    local other = redis.call('TYPE', ARGV[copy]).ok == 'list' and place_of_record(copy)
    if other then redis.call('LSET', ARGV[copy], other, ARGV[copy + 2]) end
  end
end
