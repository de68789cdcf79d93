-- Put in front of scripts that count jobs by class: `pyresque:counts:DAY`, a hash of each day with a field for each language and
-- class, `python Mail`, whose value is four numbers: jobs processed and failed, and the seconds of the first and the last news of it.
local OTHERS, DAY = '(others)', 86400

-- Whether a key may be used as this kind.
local function is_kind(key, kind)
  local found = redis.call('TYPE', key).ok
  return found == kind or found == 'none'
end

-- Add counts to those of this day. The words say, one after the other from `at` on: the second that it is now, the prefix, how many
-- fields a day may have (further classes are counted together), how many seconds it is kept; and from `first` on, over and over,
-- a class, how many of its jobs were processed, and how many have failed.
local function count_classes(language, words, at, first)
  local now, prefix, most, keep = tonumber(words[at]), words[at + 1], tonumber(words[at + 2]), words[at + 3]
  local key = prefix .. 'pyresque:counts:' .. math.floor(now / DAY)
  if not words[first] or not is_kind(key, 'hash') then return end
  for n = first, #words, 3 do
    local field = language .. ' ' .. words[n]
    local value = redis.call('HGET', key, field)
    if not value and redis.call('HLEN', key) >= most then
      field = language .. ' ' .. OTHERS
      value = redis.call('HGET', key, field)
    end
    local processed, failed, since = (value or ''):match('^(%d+) (%d+) (%d+) %d+$')
    processed, failed = (tonumber(processed) or 0) + tonumber(words[n + 1]), (tonumber(failed) or 0) + tonumber(words[n + 2])
    since = math.min(tonumber(since) or now, now)
    redis.call('HSET', key, field, ('%d %d %d %d'):format(processed, failed, since, now))
  end
  redis.call('EXPIRE', key, keep)
end
