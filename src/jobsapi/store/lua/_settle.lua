-- include: leave
-- The end of a job. `keep`: how long its results stay, ms, where the job itself does not say.
local function settle(job, to, reason, at, keep)
  if job.status == S.in_progress then unclaim(job) end
  relist(job, to)
  redis.call('HSET', K.job(job.id), 's', to, 'e', at)
  if reason ~= '' then redis.call('HSET', K.job(job.id), 'r', reason) end
  redis.call('ZADD', K.retained(), at + (job.keep or keep), job.id)
  redis.call('HINCRBY', K.ended(), job.task .. ':' .. (reason ~= '' and reason or 'complete'), 1)
  if job.key and redis.call('GET', K.keyed(job.key)) == job.id then redis.call('DEL', K.keyed(job.key)) end
  if job.has_children then -- others wait for it: `resolve` tells them, in small steps
    redis.call('ZADD', K.settled(), at, job.id)
    redis.call('ZADD', K.stir(), 0, 'look')
  end
  if redis.call('HDEL', K.job(job.id), 'wt') == 1 then
    redis.call('RPUSH', K.waited(job.id), 'ended')
    redis.call('PEXPIRE', K.waited(job.id), 60000)
  end
end
