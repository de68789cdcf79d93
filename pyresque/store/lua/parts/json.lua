-- Put in front of the scripts that judge JSON.
-- Keys of the objects inside a decoded value, and its depth.
local function measure(value, depth)
  if type(value) ~= 'table' then return 0, depth end
  local keys, deepest = 0, depth + 1
  for key, item in pairs(value) do
    if type(key) == 'string' then keys = keys + 1 end
    local inner, reached = measure(item, depth + 1)
    keys = keys + inner
    if reached > deepest then deepest = reached end
  end
  return keys, deepest
end
