-- Part of cancel and cancel_batch: stop a job that has not ended. A waiting one ends here; a running one's worker is told.
-- include: settle
local function cancel(job, at, keep)
  redis.call('HSET', K.job(job.id), 'cr', 1)
  if job.status == S.in_progress then
    redis.call('ZADD', K.control(job.worker), at, job.id)
    redis.call('PEXPIRE', K.control(job.worker), 3600000)
  else
    withdraw(job)
    settle(job, S.cancelled, 'cancelled', at, keep)
  end
end
