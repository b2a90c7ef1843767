-- progress: the claim's holder says how far the job is.
-- ARGV: clock, id, token, progress (JSON)
-- Replies with 1. Refuses with UNKNOWNJOB, NOTHOLDER.
local job = fetch(ARGV[2])
if not job then return unknown() end
if not is_held(job, ARGV[3]) then return not_holder() end
redis.call('HSET', K.job(ARGV[2]), 'pg', ARGV[4])
if is_watched() then tell('p', job.id, ARGV[4]) end
return 1
