-- claim: give a worker the next jobs of its queues, each under a token and a lease.
-- ARGV: clock, worker, lease (ms), how many, token (a number is put behind it), then for each queue, the
-- preferred first: queue, number of tasks, task, …
-- Replies with a row a job: id, token, task, parameters, attempt, timeout (ms or false), time of the claim (ms),
-- memory limit (MiB or false), backoff (JSON or false), after, after_any (ids or false).
-- A claim that is sent again under the same token, because its reply was lost, gets the same jobs again.
local at, worker, lease, most, token = clock(), ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5]
local claimed, ids, next_argument = {}, '', 6
local passed = 0 -- jobs that were not given out because they have expired: a call looks at a hundred at the most

local function give(id, its_token)
  local v = redis.call('HMGET', K.job(id), 't', 'p', 'a', 'to', 'b', 'mm', 'bo', 'af', 'ay')
  claimed[#claimed + 1] = { id, its_token, v[1], v[2], tonumber(v[3]), v[4], tonumber(v[5]), v[6], v[7], v[8], v[9] }
end

local last_token, last_ids = string.match(redis.call('GET', K.last_claim(worker)) or '', '^(%S+)(.*)$')
if last_token == token then
  for id in string.gmatch(last_ids, '%S+') do
    local job = fetch(id)
    if job and job.status == S.in_progress and string.find(job.token, token, 1, true) == 1 then give(id, job.token) end
  end
  return claimed
end

local function take(id)
  local job = fetch(id)
  if not job or job.status ~= S.submitted or (job.expires or at + 1) <= at then -- too late: `expire` finds it
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
  ids = ids .. ' ' .. id
  give(id, its_token)
end

local function from_queue(queue, tasks)
  local heads = {}
  for _, task in ipairs(tasks) do heads[task] = redis.call('ZRANGE', K.ready(queue, task), 0, 0, 'WITHSCORES') end
  while #claimed < most and passed < 100 do
    local best
    for task, head in pairs(heads) do
      if head[1] and (not best or tonumber(head[2]) < tonumber(heads[best][2])) then best = task end
    end
    if not best then return end
    redis.call('ZREM', K.ready(queue, best), heads[best][1])
    take(heads[best][1])
    heads[best] = redis.call('ZRANGE', K.ready(queue, best), 0, 0, 'WITHSCORES')
  end
  -- more is waiting than this worker took: the next idle one shall look
  for task, head in pairs(heads) do
    if head[1] then redis.call('ZADD', K.wake(queue, task), 0, 'look') end
  end
end

while next_argument <= #ARGV do
  local queue, tasks = ARGV[next_argument], {}
  local count = tonumber(ARGV[next_argument + 1])
  for i = 1, count do tasks[i] = ARGV[next_argument + 1 + i] end
  next_argument = next_argument + 2 + count
  if redis.call('SISMEMBER', K.paused(), queue) == 0 then from_queue(queue, tasks) end
end
if ids ~= '' then redis.call('SET', K.last_claim(worker), token .. ids, 'PX', lease) end
return claimed
