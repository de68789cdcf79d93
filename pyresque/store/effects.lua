-- Put in front of the scripts that change several keys at once.
-- An effect is one Redis command; in ARGV it stands as the number of its words and the words. What a single key's wrong content makes impossible must not stop
-- the others: it is reported, and a value that could not be pushed goes to the key's aside list.
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

-- Carry out the effects that stand in the words from this place to `last`.
local function apply(prefix, ARGV, place, last)
  while place <= last do
    local count = tonumber(ARGV[place])
    local words = {unpack(ARGV, place + 1, place + count)}
    place = place + count + 1
    local done = attempt(words)
    if done == false and (words[1] == 'RPUSH' or words[1] == 'LPUSH') then
      local aside = prefix .. 'pyresque:aside:' .. words[2]:sub(#prefix + 1)
      for i = 3, #words do attempt({'RPUSH', aside, words[i]}) end
    end
  end
end

local function text_of(key)
  local value = redis.pcall('GET', key)
  if type(value) == 'string' then return value end
  return ''
end
