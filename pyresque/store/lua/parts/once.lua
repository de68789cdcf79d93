-- Put in front of the scripts that must not do anything twice: KEYS[1] is once:TOKEN, ARGV[1] the seconds to remember.

-- Carry out the step, unless it was done under this token, and keep its answer there, a number or a table. A second result
-- `false` says that nothing was done, and that nothing is to be kept.
local function once(step)
  local kept = redis.call('GET', KEYS[1])
  if kept then return kept:find('^[%[{]') and cjson.decode(kept) or tonumber(kept) end
  local answer, done = step()
  if done == false or (type(answer) == 'table' and answer.err) then return answer end
  -- An empty table comes back as an object, which Redis answers as an empty list, too.
  redis.call('SET', KEYS[1], type(answer) == 'table' and cjson.encode(answer) or answer, 'EX', ARGV[1])
  return answer
end
