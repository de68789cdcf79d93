-- Take one element out of a list by its bytes and do what belongs to that, or nothing at all. Once.
-- KEYS: 1 once:TOKEN, 2 list.  ARGV: 1 seconds to remember, 2 prefix, 3 element, 4 where it was seen, 5... effects
-- Answer: {how many were taken (0, 1), troubles}
local taken = remove_at(KEYS[2], tonumber(ARGV[4]), ARGV[3])
if taken == 1 then apply(ARGV[2], ARGV, 5, #ARGV) end
return {taken, troubles}
