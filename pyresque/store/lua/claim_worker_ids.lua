-- Make ids ours that nobody else has, all or none, and beat for them: from now on a namesake sees that they are taken.
-- KEYS: 1 workers, 2 workers:heartbeat, 3 pyresque:workers, then for each id:
--       worker:ID:started, stat:processed:ID, stat:failed:ID
-- ARGV: 1 beat, then for each id: ID, mark, and what was seen of it: 1 registered or 0, its mark ("": none), its beat ("": none)
-- Answer: {1 claimed (now or, where an earlier answer was lost, before) | 0 one is not as it was seen, troubles}
local function field(key, id)
  local value = redis.pcall('HGET', key, id)
  return type(value) == 'string' and value or ''
end

if field(KEYS[3], ARGV[2]) == ARGV[3] then return {1, troubles} end
for n = 2, #ARGV, 5 do
  local id = ARGV[n]
  local registered = redis.pcall('SISMEMBER', KEYS[1], id) == 1 and '1' or '0'
  if registered ~= ARGV[n + 2] or field(KEYS[3], id) ~= ARGV[n + 3] or field(KEYS[2], id) ~= ARGV[n + 4] then
    return {0, troubles}
  end
end
for n = 2, #ARGV, 5 do
  local id, place = ARGV[n], 4 + (n - 2) / 5 * 3
  attempt({'SREM', KEYS[1], id})
  attempt({'HSET', KEYS[3], id, ARGV[n + 1]})
  attempt({'HSET', KEYS[2], id, ARGV[1]})
  redis.call('UNLINK', KEYS[place], KEYS[place + 1], KEYS[place + 2])
end
return {1, troubles}
