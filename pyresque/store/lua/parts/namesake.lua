-- Whether another worker has registered over ours: what is in worker:ID:started (false: nothing) is not what we wrote
-- there ("": we have not registered), and is what a worker writes, not somebody's junk.
local function is_anothers(found, own)
  return found and own ~= '' and found ~= own and found:find('^%d%d%d%d%-%d%d%-%d%d ') ~= nil
end
