-- claim: give a worker the next jobs of its queues, each under a token and a lease.
-- ARGV: clock, worker, lease (ms), how many, token (a number is put behind it), then for each queue, the
-- preferred first: queue, number of tasks, task, …
-- Replies with a row a job: id, token, task, parameters, attempt, timeout (ms or false), time of the claim (ms),
-- memory limit (MiB or false), backoff (JSON or false), after, after_any (ids or false).
-- A claim that is sent again under the same token, because its reply was lost, gets the same jobs again.
-- include: give
-- include: limits
local at, worker, lease, most, token = clock(), ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5]
local again = give_again(worker, token)
if again then return again end
local ids, next_argument = '', 6
local passed = 0 -- jobs that were looked at and not given out: a call looks at a hundred of them at the most

local function take(id, score, limit)
  local job = fetch(id)
  if not job or job.status ~= S.submitted or (job.expires or at + 1) <= at -- too late: `expire` finds it
    or is_capped(job, score, limit) then
    passed = passed + 1
    return
  end
  if job.expires then
    redis.call('ZREM', K.expiring(), id)
    redis.call('HDEL', K.job(id), 'xa')
  end
  local its_token = token .. #claimed
  relist(job, S.in_progress)
  redis.call('HSET', K.job(id), 's', S.in_progress, 'k', its_token, 'w', worker, 'b', at, 'a', job.attempt + 1)
  redis.call('ZADD', K.leases(), at + lease, id)
  note_start(job, limit, at)
  ids = ids .. ' ' .. id
  give(id, its_token)
end

local function from_queue(queue, tasks)
  local limits, heads = limits_of(tasks), {}
  local function look(task)
    local head = redis.call('ZRANGE', K.ready(queue, task), 0, 0, 'WITHSCORES')
    heads[task] = head[1] and not is_closed(queue, task, limits[task], at) and head or nil
  end
  for _, task in ipairs(tasks) do look(task) end
  while #claimed < most and passed < 100 do
    local best
    for task, head in pairs(heads) do
      if not best or tonumber(head[2]) < tonumber(heads[best][2]) then best = task end
    end
    if not best then return end
    redis.call('ZREM', K.ready(queue, best), heads[best][1])
    take(heads[best][1], heads[best][2], limits[best])
    look(best)
  end
  -- more is waiting than this worker took: the next idle one shall look
  for task in pairs(heads) do redis.call('ZADD', K.wake(queue, task), 0, 'look') end
end

while next_argument <= #ARGV do
  local queue, tasks, count = ARGV[next_argument], {}, tonumber(ARGV[next_argument + 1])
  for i = 1, count do tasks[i] = ARGV[next_argument + 1 + i] end
  next_argument = next_argument + 2 + count
  if count > 0 and redis.call('SISMEMBER', K.paused(), queue) == 0 then from_queue(queue, tasks) end
end
if ids ~= '' then redis.call('SET', K.last_claim(worker), token .. ids, 'PX', lease) end
return claimed
