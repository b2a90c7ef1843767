-- sweep_outputs: remove the chunks of outputs that no completion took and none can take any more.
-- KEYS: the prefix. ARGV: clock, age (ms) from which on to look, how many at the most
-- Replies with the <id>:<token> of each such output; its entry stays (moved to the end) until its files are gone too
-- and the caller removes it. One that a completion took has no entry; one whose claim still holds is moved to the end.
local at, age, most, orphans = clock(), tonumber(ARGV[2]), tonumber(ARGV[3]), {}
local old = redis.call('ZRANGEBYSCORE', K.unclaimed_outputs(), '-inf', at - age, 'LIMIT', 0, most)
for _, member in ipairs(old) do
  local id, token = string.match(member, '^([^:]*):(.*)$')
  local job = fetch(id)
  if not (job and is_held(job, token)) then
    redis.call('UNLINK', K.outputs(id, token))
    orphans[#orphans + 1] = member
  end
  redis.call('ZADD', K.unclaimed_outputs(), at, member)
end
return orphans
