-- Part of submit and admit: a job whose record is written gets its number and its places.
local function admit(id, queue, task, priority, tags)
  local job = {
    id = id, status = S.submitted, queue = queue, task = task, priority = tonumber(priority),
    number = redis.call('INCR', K.sequence()),
  }
  redis.call('HSET', K.job(id), 's', S.submitted, 'n', job.number)
  relist(job, S.submitted)
  enqueue(job)
  for tag in string.gmatch(tags, '%S+') do redis.call('ZADD', K.tagged(tag), job.number, id) end
end
