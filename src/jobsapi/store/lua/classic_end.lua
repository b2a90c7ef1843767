-- classic_end: a classic program says that a job which no worker has taken is complete or failed; nobody will run it.
-- ARGV: clock, id, how long its remains are kept (ms), reason ('' : complete), error (JSON), result (JSON)
-- Replies with 1. Refuses with UNKNOWNJOB, WRONGSTATUS: a job that is claimed is ended by its claim's holder only.
-- include: settle
local at, id, keep, reason = clock(), ARGV[2], tonumber(ARGV[3]), ARGV[4]
local job = fetch(id)
if not job then return unknown() end
if job.status ~= S.submitted and job.status ~= S.scheduled then return wrong_status(job) end
withdraw(job)
if reason == '' then redis.call('HSET', K.job(id), 'v', ARGV[6]) else redis.call('HSET', K.job(id), 'er', ARGV[5]) end
settle(job, reason == '' and S.complete or S.failed, reason, at, keep)
return 1
