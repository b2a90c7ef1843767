-- include: leave
-- The end of a job. `keep`: how long its results stay, ms, where the job itself does not say; behind it, more fields of
-- its record and their values.
local function settle(job, to, reason, at, keep, ...)
  if job.status == S.in_progress then unclaim(job) end
  relist(job, to)
  redis.call('HSET', K.job(job.id), 's', to, 'e', at, ...)
  if reason ~= '' then redis.call('HSET', K.job(job.id), 'r', reason) end
  look_by(K.retained(), group_of(job), at + (job.keep or keep))
  count_later(K.ended(), job.task .. ':' .. (reason ~= '' and reason or 'complete'))
  if job.key and redis.call('GET', K.keyed(job.key)) == job.id then redis.call('DEL', K.keyed(job.key)) end
  if job.has_children then -- others wait for it: `resolve` tells them, in small steps
    redis.call('ZADD', K.settled(), at, job.id)
    redis.call('ZADD', K.stir(), 0, 'look')
  end
  if job.webhook then
    redis.call('HINCRBY', K.job(job.id), 'hn', 1) -- which end it is: receivers tell doubles by it
    redis.call('ZADD', K.webhooks(), at, job.id)
    redis.call('ZADD', K.stir(), 0, 'look')
  end
  if job.is_awaited then
    redis.call('HDEL', K.job(job.id), 'wt')
    redis.call('RPUSH', K.waited(job.id), 'ended')
    redis.call('PEXPIRE', K.waited(job.id), 60000)
  end
end
