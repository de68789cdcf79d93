-- End a job: everything that its end means, once, and only while worker:ID still holds this run.
-- KEYS: 1 worker:ID, 2 stat:processed:ID, 3 worker:ID:started, 4 once:TOKEN (of what is not counted, else nothing)
-- ARGV: 1 prefix, 2 record, 3 jobs settled before, 4 what we wrote to worker:ID:started,
--       5 place of the last effect, 6... effects
-- Answer: {"settled" | "already" | "recounted" | "gone" | "disputed", troubles, jobs settled so far}
--   already: this run was settled by a call whose answer was lost (each settled job adds one to 2, and the same job
--   may be in worker:ID again within a second, in the same words); what is not counted sets 4 as its last effect
--   recounted: the job is still there, and 2 says more than one repetition can mean: somebody has set it, nothing was done
--   gone: somebody pruned this worker, and has recorded the job
--   disputed: another worker has registered under this id, so neither 1 nor 2 says anything: nothing was done
local function settle(KEYS, ARGV)
  local current, settled, started = unpack(redis.call('MGET', KEYS[1], KEYS[2], KEYS[3]))
  settled = settled and tonumber(settled) or 0
  if is_anothers(started, ARGV[4]) then return {'disputed', troubles, 0} end
  if settled > tonumber(ARGV[3]) or (KEYS[4] and redis.call('EXISTS', KEYS[4]) == 1) then
    local is_set = settled > tonumber(ARGV[3]) + 1 and current == ARGV[2]
    return {is_set and 'recounted' or 'already', troubles, settled}
  end
  if current ~= ARGV[2] then return {'gone', troubles, settled} end
  apply(ARGV[1], ARGV, 6, tonumber(ARGV[5]))
  redis.call('UNLINK', KEYS[1])
  return {'settled', troubles, tonumber(text_of(KEYS[2])) or 0}
end
