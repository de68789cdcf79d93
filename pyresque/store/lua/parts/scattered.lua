-- Put in front of the scripts that take elements out of a list which are scattered over one window of it.
-- Each is known by how far it stood from the end (1: the last) when it was seen, and by its bytes; they come in the order of
-- the list.

-- Their indexes now: those that they had or, where others have changed the list, near them. False where one is gone.
local function indexes_of(key, length, sought)
  local far, near = sought[1][1], sought[#sought][1]
  local first, indexes, all = math.max(0, length - far), {}, true
  local elements = redis.call('LRANGE', key, first, math.max(0, length - near))
  for i, one in ipairs(sought) do
    local at = length - one[1]
    all = all and elements[at - first + 1] == one[2]
    indexes[i] = at
  end
  if all then return indexes end
  local standing = {}
  first = math.max(0, first - 100)
  for i, element in ipairs(redis.call('LRANGE', key, first, math.max(0, length - near + 100))) do
    local same = standing[element] or {}
    standing[element], same[#same + 1] = same, first + i - 1
  end
  for i, one in ipairs(sought) do
    local same = standing[one[2]]
    indexes[i] = same and #same > 0 and table.remove(same, 1) or false
  end
  return indexes
end

-- How many nodes of the list LSET passes on its way to an element, from the nearer end: Redis keeps 8 KB in one.
local function nodes_to(index, length, element)
  return math.min(index, length - index) * math.min(1, (#element + 8) / 8192)
end

-- Remove what is at these indexes, in one pass: LREM compares all elements on its way.
local function remove_indexes(key, length, indexes)
  local mark = '\0' .. word
  for _, index in ipairs(indexes) do redis.call('LSET', key, index, mark) end
  redis.call('LREM', key, indexes[1] < length / 2 and #indexes or -#indexes, mark)
end
