-- Take a lock that anybody can read, or see that it is ours already.
-- KEYS: 1 lock, 2 its owner.  ARGV: 1 now, 2 until, 3 seconds to keep both, 4 owner (unique)
-- Answer: 1 taken (now or, where an earlier answer was lost, before), 0 somebody holds it
-- The lock holds the second at which it expires, as in Ruby; what is no number holds for ever.
local held = redis.call('GET', KEYS[1])
if held then
  if redis.call('GET', KEYS[2]) == ARGV[4] then return 1 end
  local till = held:match('^%d+$')
  if not till or tonumber(till) >= tonumber(ARGV[1]) then return 0 end
end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
redis.call('SET', KEYS[2], ARGV[4], 'EX', ARGV[3])
return 1
