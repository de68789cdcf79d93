-- End a job: everything that its end means, once, and only while worker:ID still holds this run.
-- KEYS: 1 worker:ID, 2 stat:processed:ID.  ARGV: 1 prefix, 2 record, 3 jobs settled before,
--       4 place of the last effect, 5... effects
-- Answer: {"settled" | "already" | "gone", troubles, jobs settled so far}
--   already: this run was settled by a call whose answer was lost (each settled job adds one to 2)
--   gone: somebody pruned this worker, and has recorded the job
local function settle(KEYS, ARGV)
  if tonumber(text_of(KEYS[2])) == tonumber(ARGV[3]) + 1 then return {'already', troubles, tonumber(ARGV[3]) + 1} end
  if text_of(KEYS[1]) ~= ARGV[2] then return {'gone', troubles, tonumber(text_of(KEYS[2])) or 0} end
  apply(ARGV[1], ARGV, 5, tonumber(ARGV[4]))
  redis.call('UNLINK', KEYS[1])
  return {'settled', troubles, tonumber(text_of(KEYS[2])) or 0}
end
