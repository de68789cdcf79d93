-- Count what somebody has seen of Ruby's jobs, unless somebody else has looked meanwhile.
-- KEYS: 1 history:ruby
-- ARGV: 1 now, 2 prefix, 3 fields of a day at most, 4 seconds that a day is kept, 5 what the key held (empty: nothing), 6 what it
--       is to hold, 7 seconds that it is kept, then class, seen, failed, over and over
-- Answer: whether it was counted
if not is_kind(KEYS[1], 'string') or (redis.call('GET', KEYS[1]) or '') ~= ARGV[5] then return 0 end
redis.call('SET', KEYS[1], ARGV[6], 'EX', ARGV[7])
count_classes('ruby', ARGV, 1, 8)
return 1
