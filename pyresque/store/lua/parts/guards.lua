-- Put in front of the scripts that push jobs, behind lock_holders.lua.
-- A guard is three words: a lock that the push takes, another one that must be free as well, seconds to hold the first for.
-- They are in ARGV from an index on.

-- Whether a push with so many guards must not be: somebody holds a lock, or it was `taken` in this script.
local function is_refused(prefix, ARGV, place, count, now, taken)
  for n = place, place + 3 * count - 1, 3 do
    if (taken and taken[ARGV[n]]) or is_held(prefix, ARGV[n], now) or is_held(prefix, ARGV[n + 1], now) then return true end
  end
  return false
end

local function take_guards(prefix, ARGV, place, count, now)
  for n = place, place + 3 * count - 1, 3 do
    local seconds = tonumber(ARGV[n + 2])
    redis.call('SET', ARGV[n], string.format('%d', now + seconds), 'EX', seconds + 1)
    redis.call('UNLINK', prefix .. 'pyresque:owner:' .. ARGV[n]:sub(#prefix + 1))
  end
end
