-- Put back what a link leads to; again it finds nothing there.
-- KEYS: none.  ARGV: 1 prefix, 2 link, 3 the second for a delayed job.  Answer: what put_back answers
local name, digest = parts_of(ARGV[2])
return put_back(ARGV[1], name, digest, ARGV[3])
