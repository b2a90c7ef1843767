-- cancel: stop a job wherever it is. A waiting one ends here; a running one's worker is told and stops it.
-- ARGV: clock, id, how long the job's remains are kept (ms), a name of this call
-- Replies with 1. Refuses with UNKNOWNJOB, WRONGSTATUS.
-- include: settle
-- include: heard
-- include: room
local at, id, keep = clock(), ARGV[2], tonumber(ARGV[3])
local job = fetch(id)
if not job then return unknown() end
if was_heard(id, ARGV[4]) then return 1 end
if is_ended(job) or job.status == S.staged then return wrong_status(job) end
needs_no_room()
redis.call('HSET', K.job(id), 'cr', 1, 'rq', ARGV[4])
if job.status == S.in_progress then
  redis.call('ZADD', K.control(job.worker), at, id)
  redis.call('PEXPIRE', K.control(job.worker), 3600000)
else
  withdraw(job)
  settle(job, S.cancelled, 'cancelled', at, keep)
end
return 1
