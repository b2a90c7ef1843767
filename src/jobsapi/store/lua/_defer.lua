-- Part of the scripts that let a job wait for a time: put it among those that are due then, ms. Where it is the first
-- of them, one worker is told, so that it wakes in time.
local function defer(job, due)
  relist(job, S.scheduled)
  redis.call('HSET', K.job(job.id), 's', S.scheduled, 'ra', due)
  redis.call('ZADD', K.due(), due, job.id)
  if redis.call('ZRANGE', K.due(), 0, 0)[1] == job.id then redis.call('ZADD', K.stir(), 0, 'look') end
end
