-- classic_note: a classic program that need not hold the job says how far it is.
-- ARGV: clock, id, progress (JSON)
-- Replies with 1. Refuses with UNKNOWNJOB.
local job = fetch(ARGV[2])
if not job then return unknown() end
redis.call('HSET', K.job(job.id), 'pg', ARGV[3])
if is_watched() then tell('p', job.id, ARGV[3]) end
return 1
