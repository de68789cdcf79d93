-- Become the master scheduler, or stay it.
-- KEYS: 1 master lock.  ARGV: 1 who asks (unique), 2 milliseconds
-- Answer: {1 the lock is ours | 0 it is another's, what it holds, milliseconds until it expires (-1: never)}
local held = redis.call('GET', KEYS[1])
if held == ARGV[1] then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  return {1, held, ARGV[2]}
end
if held then return {0, held, redis.call('PTTL', KEYS[1])} end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return {1, ARGV[1], ARGV[2]}
