-- Part of retry, remove and prune: take an ended job's outputs, or all of it, out of the store.
-- include: batch
-- include: cached
local function erase_outputs(job, at)
  local v = redis.call('HMGET', K.job(job.id), 'ds', 'ob')
  redis.call('HDEL', K.job(job.id), 'v', 'ds', 'ob')
  redis.call('HSET', K.job(job.id), 'rx', 1)
  if v[2] then
    if redis.call('DECRBY', K.output_bytes(), v[2]) == 0 then redis.call('DEL', K.output_bytes()) end
    redis.call('ZREM', K.bulky(), job.id)
  end
  if not job.token then return end
  redis.call('UNLINK', K.outputs(job.id, job.token))
  -- files are removed by whoever called; should that process die first, the sweep of unclaimed outputs does it
  if string.find(v[1] or '', '"files":true', 1, true) then
    redis.call('ZADD', K.unclaimed_outputs(), at, job.id .. ':' .. job.token)
  end
end

-- Those that it came after forget it. Replies with how many those are.
local function leave_parents(job, ids)
  local count = 0
  for parent in string.gmatch(ids or '', '%S+') do
    redis.call('ZREM', K.followers(parent), job.id)
    count = count + 1
  end
  return count
end

-- Replies with how many other jobs were to forget it.
local function erase(job, at)
  erase_outputs(job, at)
  local v = redis.call('HMGET', K.job(job.id), 'tg', 'bt', 'ck', 'af', 'ay')
  for tag in string.gmatch(v[1] or '', '%S+') do redis.call('ZREM', K.tagged(tag), job.id) end
  if v[2] then leave_batch(v[2]) end
  answer_no_more(v[3], job.id)
  relist(job, nil)
  if job.webhook then redis.call('ZREM', K.webhooks(), job.id) end
  redis.call('UNLINK', K.job(job.id), K.history(job.id), K.log(job.id), K.log_tail(job.id), K.followers(job.id))
  return leave_parents(job, v[4]) + leave_parents(job, v[5])
end
