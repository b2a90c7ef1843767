-- Part of the scripts that take a job from where it waits, or from the worker that ran it.

-- Back into its queue, where it stood aside.
local function requeue(queue, task, id, score)
  redis.call('ZREM', K.listed(S.submitted, queue, task), id)
  redis.call('ZADD', K.ready(queue, task), score, id)
  redis.call('ZADD', K.wake(queue, task), 0, 'look')
end

-- A job no longer takes one of the places of its limited group: who waits longest for one, in each queue, goes back
-- into it, where `claim` looks again whether there is room.
local function make_room(job)
  if not job.group then return end
  redis.call('SREM', K.running(job.group), job.id)
  local most = tonumber(string.match(redis.call('HGET', K.limits(), job.task) or '0', '%d+'))
  local room = most == 0 and 100 or most - redis.call('SCARD', K.running(job.group))
  for _, queue in ipairs(redis.call('SMEMBERS', K.capped_queues(job.group))) do
    local first = redis.call('ZPOPMIN', K.capped(job.group, queue), math.min(100, math.max(1, room)))
    for i = 1, #first, 2 do requeue(queue, job.task, first[i], first[i + 1]) end
    if redis.call('EXISTS', K.capped(job.group, queue)) == 0 then redis.call('SREM', K.capped_queues(job.group), queue) end
  end
end

-- Out of where it waits: its queue, or among those whose time will come.
local function withdraw(job)
  if job.status == S.submitted then
    redis.call('ZREM', K.ready(job.queue, job.task), job.id)
    if job.group then redis.call('ZREM', K.capped(job.group, job.queue), job.id) end
    make_room(job)
  else
    redis.call('ZREM', K.due(), job.id)
  end
  if job.expires then redis.call('ZREM', K.expiring(), job.id) end
end

-- No worker runs it any more.
local function unclaim(job)
  later('ZREM', K.leases(), job.id)
  make_room(job)
end
