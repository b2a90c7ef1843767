-- Before every script: the keys (K), the statuses (S), the clock, and the ways a record moves between lists.
-- KEYS[1] is the namespace's prefix (all keys share its hash tag); ARGV[1] a clock for tests, ms, else ''.
local function clock()
  if ARGV[1] ~= '' then return tonumber(ARGV[1]) end
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end
