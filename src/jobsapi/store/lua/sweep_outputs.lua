-- sweep_outputs: remove the chunks of outputs that no completion took and none can take any more.
-- KEYS: the prefix. ARGV: clock, age (ms) from which on to look, how many at the most
-- Replies with the <id>:<token> of each such output; its entry stays (moved to the end) until its files are gone too
-- and the caller removes it. One whose claim still holds is moved to the end. One that a completion took loses its entry:
-- it has one only where a worker missed the reply to its `complete` and wrote the same outputs again.
local at, age, most, orphans = clock(), tonumber(ARGV[2]), tonumber(ARGV[3]), {}
local old = redis.call('ZRANGEBYSCORE', K.unclaimed_outputs(), '-inf', at - age, 'LIMIT', 0, most)
for _, member in ipairs(old) do
  local id, token = string.match(member, '^([^:]*):(.*)$')
  local job = fetch(id)
  local taken = job and job.status == S.complete and job.token == token and redis.call('HEXISTS', K.job(id), 'rx') == 0
  if taken then
    redis.call('ZREM', K.unclaimed_outputs(), member)
  else
    if not (job and is_held(job, token)) then
      redis.call('UNLINK', K.outputs(id, token))
      orphans[#orphans + 1] = member
    end
    redis.call('ZADD', K.unclaimed_outputs(), at, member)
  end
end
return orphans
