-- wait: somebody waits for a job's end; whoever ends it then leaves word in its list `waited`.
-- ARGV: clock, id
-- Replies with 1 where it has ended already, else 0. Refuses with UNKNOWNJOB.
-- include: room
local job = fetch(ARGV[2])
if not job then return unknown() end
if is_ended(job) then return 1 end
needs_no_room()
redis.call('HSET', K.job(job.id), 'wt', 1)
return 0
