-- cancel: stop a job wherever it is. A waiting one ends here; a running one's worker is told and stops it.
-- ARGV: clock, id, how long the job's remains are kept (ms)
-- Replies with 1. Refuses with UNKNOWNJOB, WRONGSTATUS.
-- include: settle
local at, id, keep = clock(), ARGV[2], tonumber(ARGV[3])
local job = fetch(id)
if not job then return unknown() end
if is_ended(job) or job.status == S.staged then return wrong_status(job) end
redis.call('HSET', K.job(id), 'cr', 1)
if job.status == S.in_progress then
  redis.call('ZADD', K.control(job.worker), at, id)
  redis.call('PEXPIRE', K.control(job.worker), 3600000)
else
  withdraw(job)
  settle(job, S.cancelled, 'cancelled', at, keep)
end
return 1
