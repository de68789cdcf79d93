-- Let the owner of a lock be called otherwise, if it is still what it was.  KEYS: 1 owner.  ARGV: 1 what it was, 2 what it is
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'KEEPTTL')
return 1
