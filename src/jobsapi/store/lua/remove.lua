-- remove: take an ended job out of the store, its results, log and history with it.
-- ARGV: clock, id
-- Replies with the token its outputs were written under ('' for none). Refuses with UNKNOWNJOB, WRONGSTATUS.
-- include: erase
local at, job = clock(), fetch(ARGV[2])
if not job then return unknown() end
if not is_ended(job) then return wrong_status(job) end
erase(job, at)
return job.token or ''
