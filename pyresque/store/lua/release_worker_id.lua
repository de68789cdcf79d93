-- Take our mark from an id, if it is ours still.  KEYS: 1 pyresque:workers.  ARGV: 1 ID, 2 mark
local mark = redis.pcall('HGET', KEYS[1], ARGV[1])
return mark == ARGV[2] and redis.call('HDEL', KEYS[1], ARGV[1]) or 0
