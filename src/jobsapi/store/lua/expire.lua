-- expire: jobs that no worker claimed in their time have failed.
-- ARGV: clock, how long the job's remains are kept (ms), how many at the most, the error that is recorded (JSON)
-- Replies with how many jobs had expired.
-- include: settle
local at, keep, most = clock(), tonumber(ARGV[2]), tonumber(ARGV[3])
local expired = redis.call('ZRANGEBYSCORE', K.expiring(), '-inf', at, 'LIMIT', 0, most)
for _, id in ipairs(expired) do
  redis.call('ZREM', K.expiring(), id)
  local job = fetch(id)
  if job and (job.status == S.submitted or job.status == S.scheduled) then
    withdraw(job)
    redis.call('HSET', K.job(id), 'er', ARGV[4])
    settle(job, S.failed, 'expired', at, keep)
  end
end
return #expired
