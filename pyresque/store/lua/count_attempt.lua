-- Let the counter of a job's attempts say which one begins, while worker:ID holds the job: a call that comes late, behind
-- the end of the attempt, would leave a number for the next such job.
-- KEYS: 1 worker:ID, 2 stat:processed:ID, 3 the counter
-- ARGV: 1 record, 2 jobs settled before, 3... the command that writes the counter
-- Answer: 1 written, 0 too late
if text_of(KEYS[1]) ~= ARGV[1] or (tonumber(text_of(KEYS[2])) or 0) ~= tonumber(ARGV[2]) then return 0 end
redis.call(unpack(ARGV, 3))
return 1
