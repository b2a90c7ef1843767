-- cancel: stop a job wherever it is. A waiting one ends here; a running one's worker is told and stops it.
-- ARGV: clock, id, how long the job's remains are kept (ms), a name of this call
-- Replies with 1. Refuses with UNKNOWNJOB, WRONGSTATUS.
-- include: cancel
-- include: heard
-- include: room
local at, job = clock(), fetch(ARGV[2])
if not job then return unknown() end
if was_heard(job.id, ARGV[4]) then return 1 end
if is_ended(job) or job.status == S.staged then return wrong_status(job) end
needs_no_room()
redis.call('HSET', K.job(job.id), 'rq', ARGV[4])
cancel(job, at, tonumber(ARGV[3]))
return 1
