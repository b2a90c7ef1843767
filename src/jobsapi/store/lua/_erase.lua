-- Part of remove and prune: take an ended job's outputs, or all of it, out of the store.
local function erase_outputs(job)
  redis.call('HDEL', K.job(job.id), 'v', 'ds')
  redis.call('HSET', K.job(job.id), 'rx', 1)
  if job.token then redis.call('UNLINK', K.outputs(job.id, job.token)) end
end

local function erase(job)
  erase_outputs(job)
  for tag in string.gmatch(redis.call('HGET', K.job(job.id), 'tg') or '', '%S+') do
    redis.call('ZREM', K.tagged(tag), job.id)
  end
  relist(job, nil)
  redis.call('ZREM', K.retained(), job.id)
  redis.call('UNLINK', K.job(job.id), K.history(job.id), K.log(job.id), K.log_tail(job.id))
end
