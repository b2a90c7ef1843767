-- promote: jobs whose time has come go into their queues.
-- ARGV: clock, how many at the most
-- Replies with how many jobs were due, and how long it is until the next one is (ms, 0 where more are due now, -1 where
-- none waits for a time).
local at, most = clock(), tonumber(ARGV[2])
local due = redis.call('ZRANGEBYSCORE', K.due(), '-inf', at, 'LIMIT', 0, most)
for _, id in ipairs(due) do
  redis.call('ZREM', K.due(), id)
  local job = fetch(id)
  if job and job.status == S.scheduled then
    redis.call('HSET', K.job(id), 's', S.submitted)
    relist(job, S.submitted)
    enqueue(job)
  end
end
local following = redis.call('ZRANGE', K.due(), 0, 0, 'WITHSCORES')[2]
return { #due, following and math.max(0, tonumber(following) - at) or -1 }
