-- Put in front of effects.lua, behind json.lua: the record that tells of a value that was put aside by a script.
-- `aside` in failure/recorder.py writes the same where Python puts something aside; aside_links.lua finds the value again.

-- Any bytes as they may be written in a link, and in JSON.
local function quoted(bytes)
  return (bytes:gsub('[^%w_.~:/,@*+!=-]', function(byte) return ('%%%02X'):format(byte:byte()) end))
end

-- Now, as a failure record has it, in UTC: `2026/11/23 18:07:35 UTC`.
local function failed_at()
  local second = tonumber(redis.call('TIME')[1])
  local day = math.floor(second / 86400) + 719468 -- from the first of March of the year 0 on
  local era = math.floor(day / 146097)
  local rest = day - era * 146097
  local years = math.floor((rest - math.floor(rest / 1460) + math.floor(rest / 36524) - math.floor(rest / 146096)) / 365)
  rest = rest - (365 * years + math.floor(years / 4) - math.floor(years / 100))
  local month = math.floor((5 * rest + 2) / 153)
  local day_of_month = rest - math.floor((153 * month + 2) / 5) + 1
  month = month < 10 and month + 3 or month - 9
  local year = years + era * 400 + (month < 3 and 1 or 0)
  local time = ('%02d:%02d:%02d'):format(math.floor(second / 3600) % 24, math.floor(second / 60) % 60, second % 60)
  return ('%d/%02d/%02d %s UTC'):format(year, month, day_of_month, time)
end

-- The failure record of a value that was put aside because it could not be in this list (its name without the prefix).
local function aside_record(prefix, list, value, why)
  local link = quoted(list) .. ' ' .. redis.sha1hex(value)
  local payload = '{"class":"Pyresque::SetAside","args":["' .. link .. '","' .. quoted(value:sub(1, 4096)) .. '"]}'
  -- What goes to queues and delayed lists was judged before: it is JSON.
  local is_job = (list:find('^queue:') or list:find('^delayed:')) and value:find('^{"class":"[^"]') and is_text(value)
  local queue = list:match('^queue:(.+)$') or (is_job and value:match('"queue":"([^"\\]+)"}$')) or 'no_queue'
  local message = quoted(why):gsub('%%20', ' ') .. '. The bytes lie in the list ' .. quoted(prefix .. 'pyresque:aside:' .. list)
  if list:find('^queue:') or list:find('^delayed:') then message = message .. '; `pyresque failed retry` puts them back' end
  return '{"failed_at":"' .. failed_at() .. '","payload":' .. (is_job and value or payload)
    .. ',"exception":"Redis::CommandError","error":"' .. message .. '"'
    .. ',"backtrace":[],"worker":"pyresque"'
    .. ',"queue":' .. (is_text(queue) and cjson.encode(queue) or '"' .. quoted(queue) .. '"')
    .. (is_job and ',"pyresque_aside":"' .. link .. '"}' or '}')
end
