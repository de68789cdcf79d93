-- Settle one job and reserve the next, in one round trip.
-- KEYS: 1 stat:processed:ID, 2... the keys of reserve (2 is worker:ID)
-- ARGV: the words of settle up to its last effect, then the words of reserve
-- Answer: {answer of settle, answer of reserve}
local last = tonumber(ARGV[4])
local settled = settle({KEYS[2], KEYS[1]}, ARGV)
return {settled, reserve({unpack(KEYS, 2)}, {unpack(ARGV, last + 1)})}
