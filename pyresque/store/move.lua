-- Take one element out of a list by its bytes and do what belongs to that, or nothing at all.
-- KEYS: 1 list.  ARGV: 1 prefix, 2 element, 3... effects.  Answer: {how many were taken (0, 1), troubles}
if redis.call('LREM', KEYS[1], 1, ARGV[2]) == 0 then return {0, troubles} end
apply(ARGV[1], ARGV, 3, #ARGV)
return {1, troubles}
