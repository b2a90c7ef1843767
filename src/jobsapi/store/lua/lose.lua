-- lose: a delivery is lost: the process that ran the job died, or its worker did and the lease ran out.
-- ARGV: clock, id, token ('' : only if its lease has run out), most deliveries, how long remains are kept (ms),
-- what happened (one sentence), the error of a job that is given up (JSON)
-- Replies with 1, or 0 where there is nothing to lose (renewed or ended meanwhile). Refuses with UNKNOWNJOB, NOTHOLDER.
-- include: settle
-- include: again
local at, id, token, keep = clock(), ARGV[2], ARGV[3], tonumber(ARGV[5])
local job = fetch(id)
if not job then
  redis.call('ZREM', K.leases(), id)
  return unknown()
end
if token == '' then
  local lease = redis.call('ZSCORE', K.leases(), id)
  if job.status ~= S.in_progress or (lease and tonumber(lease) > at) then return 0 end
elseif not is_held(job, token) then
  return not_holder()
end
remember(job, 'lost', at, ARGV[6], '')
redis.call('HSET', K.job(id), 'd', job.lost + 1)
if job.cancel then
  settle(job, S.cancelled, 'cancelled', at, keep)
elseif job.lost + 1 >= (job.most_lost or tonumber(ARGV[4])) then
  redis.call('HSET', K.job(id), 'er', ARGV[7])
  settle(job, S.failed, 'lost', at, keep)
else
  hand_back(job)
end
return 1
