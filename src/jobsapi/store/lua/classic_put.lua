-- classic_put: a classic program puts a job that it saved into its queue.
-- ARGV: clock, id
-- Replies with 1, or 0 where it waits there already. Refuses with UNKNOWNJOB, WRONGSTATUS.
-- include: leave
local job = fetch(ARGV[2])
if not job then return unknown() end
if job.status == S.submitted then return 0 end
if job.status ~= S.scheduled then return wrong_status(job) end
withdraw(job)
redis.call('HSET', K.job(job.id), 's', S.submitted)
enqueue(job)
return 1
