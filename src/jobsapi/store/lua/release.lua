-- release: the claim's holder hands the job back without charge, because it stops.
-- ARGV: clock, id, token, how long the remains of a cancelled job are kept (ms)
-- Replies with 1. Refuses with UNKNOWNJOB, NOTHOLDER. A job whose cancel was asked for is cancelled instead.
-- include: settle
-- include: again
local at, id, token, keep = clock(), ARGV[2], ARGV[3], tonumber(ARGV[4])
local job = fetch(id)
if not job then return unknown() end
if not is_held(job, token) then return not_holder() end
if job.cancel then
  settle(job, S.cancelled, 'cancelled', at, keep)
else
  remember(job, 'released', at, 'It was handed back without charge.', '')
  hand_back(job)
end
return 1
