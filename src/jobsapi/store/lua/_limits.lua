-- Part of claim: the limits of tasks, held across all workers.

-- Of those of `tasks` that have any, by name: running (how many of a group at a time, 0: any number), starts (0: any
-- number) in any `per` ms.
local function limits_of(tasks)
  local found = {}
  for i, told in ipairs(redis.call('HMGET', K.limits(), unpack(tasks))) do
    local running, starts, per = string.match(told or '', '^(%d+) (%d+) (%d+)$')
    if running then
      found[tasks[i]] = { running = tonumber(running), starts = tonumber(starts), per = tonumber(per) }
    end
  end
  return found
end

-- Whether the task's rate allows no start now; then its workers are told when it does.
local function is_closed(queue, task, limit, at)
  if not limit or limit.starts == 0 then return false end
  local oldest = redis.call('LINDEX', K.starts(task), limit.starts - 1)
  local opens = oldest and tonumber(oldest) + limit.per or 0
  if opens <= at then return false end
  local is_news = redis.call('ZADD', K.opening(), 'CH', opens, queue .. ':' .. task) == 1 -- a new rate moves it, too
  if is_news then redis.call('ZADD', K.stir(), 0, 'look') end
  return true
end

-- No job of a line whose task may not start now.
local function close(line, queue, at)
  if line.limit and line.id and is_closed(queue, line.task, line.limit, at) then line.id = nil end
end

-- Whether the job's group has as many running as it may have; then the job waits outside of its queue for one to end.
local function is_capped(job, score, limit)
  if not limit or limit.running == 0 then return false end
  if not job.group then
    job.group = job.task
    redis.call('HSET', K.job(job.id), 'lg', job.group)
  end
  if redis.call('SCARD', K.running(job.group)) < limit.running then return false end
  redis.call('ZADD', K.capped(job.group, job.queue), score, job.id)
  redis.call('SADD', K.capped_queues(job.group), job.queue)
  return true
end

local function note_start(job, limit, at)
  if job.group then redis.call('SADD', K.running(job.group), job.id) end
  if not limit or limit.starts == 0 then return end
  redis.call('LPUSH', K.starts(job.task), at)
  redis.call('LTRIM', K.starts(job.task), 0, limit.starts - 1)
  redis.call('PEXPIRE', K.starts(job.task), limit.per)
end

-- Whether jobs of the task may be claimed ahead of a free slot: it is one of `short`, and has no limit to be held.
local function may_wait(task, short, limits) return not limits[task] and string.find(short, ' ' .. task .. ' ', 1, true) end
