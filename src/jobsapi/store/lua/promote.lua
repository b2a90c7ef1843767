-- promote: jobs whose time has come go into their queues; tasks whose rate allows a start again are looked at.
-- ARGV: clock, how many at the most
-- Replies with how many jobs were due, and how long it is until there is more to do (ms, 0 where there is now, -1 where
-- nothing waits for a time), and 1 where there are schedules, else 0.
local at, most = clock(), tonumber(ARGV[2])
local due = redis.call('ZRANGEBYSCORE', K.due(), '-inf', at, 'LIMIT', 0, most)
for _, id in ipairs(due) do
  redis.call('ZREM', K.due(), id)
  local job = fetch(id)
  if job and job.status == S.scheduled then
    redis.call('HSET', K.job(id), 's', S.submitted)
    enqueue(job)
  end
end
for _, member in ipairs(redis.call('ZRANGEBYSCORE', K.opening(), '-inf', at, 'LIMIT', 0, most)) do
  redis.call('ZREM', K.opening(), member)
  redis.call('ZADD', K.wake(string.match(member, '^(.-):(.*)$')), 0, 'look')
end
local following = -1
for _, key in ipairs({ K.due(), K.opening() }) do
  local first = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')[2]
  local left = first and math.max(0, tonumber(first) - at)
  if left and (following < 0 or left < following) then following = left end
end
return { #due, following, redis.call('EXISTS', K.planned()) }
