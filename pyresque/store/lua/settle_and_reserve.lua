-- Settle one job and reserve the next, in one round trip.
-- KEYS: 1 stat:processed:ID, 2... the keys of reserve (2 is worker:ID, 7 worker:ID:started)
-- ARGV: the words of settle up to its last effect, then the words of reserve
-- Answer: {answer of settle, answer of reserve}

-- What unpack would do, but for lists of any length.
local function behind(list, place)
  local rest = {}
  for i = place + 1, #list do rest[i - place] = list[i] end
  return rest
end

local settled = settle({KEYS[2], KEYS[1], KEYS[7]}, ARGV)
return {settled, reserve(behind(KEYS, 1), behind(ARGV, tonumber(ARGV[5])))}
