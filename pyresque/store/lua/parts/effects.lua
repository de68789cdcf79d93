-- Put in front of the scripts that change several keys at once.
-- An effect is one Redis command; in ARGV it is the number of its words, then the words.
-- What a single key's wrong content makes impossible must not stop the others: it is reported, and a value that could not
-- be pushed goes to the key's aside list, with a failure record. Any other error stops them only before the first: there is no way back from half.
local troubles = {}

local function of_one_key(err)
  return err:find('WRONGTYPE', 1, true) or err:find('not an integer', 1, true)
    or err:find('hash value', 1, true) or err:find('overflow', 1, true)
end

-- What redis.pcall answered to a command on this key; false if it was an error.
local function checked(key, reply)
  if type(reply) ~= 'table' or not reply.err then return reply end
  if not of_one_key(reply.err) then error(reply.err) end
  troubles[#troubles + 1] = key .. ': ' .. reply.err
  return false
end

local function attempt(words)
  return checked(words[2], redis.pcall(unpack(words)))
end

-- The same where it is too late to stop: every error is only reported.
local function report_only(words)
  local reply = redis.pcall(unpack(words))
  if type(reply) ~= 'table' or not reply.err then return reply end
  troubles[#troubles + 1] = words[2] .. ': ' .. reply.err
  return false
end

-- Put a value aside that cannot be in this list (its name without the prefix), and tell so where people look.
-- `try` carries out a command, as attempt or report_only do.  Answer: whether anything was written
local function set_aside(prefix, list, value, why, try)
  try = try or attempt
  local is_record = list == 'failed' or (list:find('_failed$') and not list:find('^queue:'))
  if is_record and list ~= 'failed' and try({'RPUSH', prefix .. 'failed', value}) then return true end
  local done = try({'RPUSH', prefix .. 'pyresque:aside:' .. list, value}) ~= false
  if is_record then return done end -- a record that cannot be written is not reported by another one
  if done then try = report_only end
  local record = aside_record(prefix, list, value, why)
  local seen = try({'RPUSH', prefix .. 'failed', record}) or try({'RPUSH', prefix .. 'pyresque:aside:failed', record})
  return done or seen ~= false
end

-- Carry out the effects in the words from this index to `last`.
local function apply(prefix, ARGV, place, last)
  local begun = false
  while place <= last do
    local count = tonumber(ARGV[place])
    local words = {unpack(ARGV, place + 1, place + count)}
    place = place + count + 1
    local try = begun and report_only or attempt
    local done = try(words)
    if done == false and (words[1] == 'RPUSH' or words[1] == 'LPUSH') then
      local why = troubles[#troubles]
      for i = 3, #words do
        begun = set_aside(prefix, words[2]:sub(#prefix + 1), words[i], why, begun and report_only or attempt) or begun
      end
    end
    begun = begun or done ~= false
  end
end

local function text_of(key)
  local value = redis.pcall('GET', key)
  if type(value) == 'string' then return value end
  return ''
end
