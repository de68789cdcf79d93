-- Remove elements scattered over one window of a list, and do what belongs to each. Once.
-- KEYS: 1 once:TOKEN, 2 list
-- ARGV: 1 seconds to remember, 2 prefix, 3 "1": what was put aside goes with its record, 4 how many nodes may be passed,
--       then for each element, from the head to the tail: how far it stood from the end (1: the last), the element, number
--       of words of effects, effects
-- Answer: {for each "1" removed, "0" it is not there, "+" too much for one call: as one text; troubles}. Those nearest to
-- the end go first: so the distances of the others from where the end was still hold.
local doomed, n = {}, 5
while n <= #ARGV do
  local words = tonumber(ARGV[n + 2])
  doomed[#doomed + 1] = {tonumber(ARGV[n]), ARGV[n + 1], n + 3, n + 2 + words}
  n = n + 3 + words
end

local length = redis.call('LLEN', KEYS[2])

local function carry_out(index, last)
  while index <= last do
    local count = tonumber(ARGV[index])
    report_only({unpack(ARGV, index + 1, index + count)})
    index = index + count + 1
  end
end

-- Few go by their bytes, as in Ruby (from the tail: a copy that comes before them may still have to be judged).
local function remove_all(indexes, elements)
  if #indexes <= 10 and length <= 1000 then
    for _, element in ipairs(elements) do redis.call('LREM', KEYS[2], -1, element) end
    return
  end
  remove_indexes(KEYS[2], length, indexes)
end

local signs, indexes, elements, passed = {}, {}, {}, 0
if #doomed > 0 then
  redis.call('UNLINK', KEYS[1]) -- a full Redis lets a script go on that has begun to write
  local standing = indexes_of(KEYS[2], length, doomed)
  for i = #doomed, 1, -1 do
    local one, index = doomed[i], standing[i]
    signs[i] = (looked > 5000 or passed > tonumber(ARGV[4])) and '+' or index and '1' or '0'
    if signs[i] == '1' then
      indexes[#indexes + 1], elements[#elements + 1] = index, one[2]
      passed = passed + nodes_to(index, length, one[2])
      if ARGV[3] == '1' then forget_aside(ARGV[2], one[2]) end
      carry_out(one[3], one[4])
    end
  end
end
if #indexes > 0 then remove_all(indexes, elements) end
return {table.concat(signs, '', 1, #doomed), troubles}
