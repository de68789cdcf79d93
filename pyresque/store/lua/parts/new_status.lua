-- Put in front of the script that pushes jobs with a status.
-- A new status is three words in ARGV, from an index on: its UUID, what it says, seconds to keep it.

-- Write a new status, and enter it in the list of all. Ours expire, and the list does not know of that: so with each that comes
-- three others are looked at, chosen by chance, and those that are gone leave the list. It holds few that are gone.
local function write_status(prefix, ARGV, place, now)
  local statuses = prefix .. '_statuses'
  redis.call('SET', prefix .. 'status:' .. ARGV[place], ARGV[place + 1], 'EX', ARGV[place + 2])
  if type(redis.pcall('ZADD', statuses, now, ARGV[place])) == 'table' then return end -- it is something else
  local chosen = redis.pcall('ZRANDMEMBER', statuses, 3) -- an older Redis does not have it, and must not fail now
  for _, uuid in ipairs(chosen.err and {} or chosen) do
    if redis.call('EXISTS', prefix .. 'status:' .. uuid) == 0 then redis.call('ZREM', statuses, uuid) end
  end
end
