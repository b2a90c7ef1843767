-- claim: give a worker the next jobs of its queues, each under a token and a lease.
-- ARGV: clock, worker, lease (ms), how many, token (a number is put behind it), then for each queue, the
-- preferred first: queue, number of tasks, task, …
-- How many: a number; or `all free task task …`, where those above `free` shall wait at the worker: it takes them as
-- long as the next one is of one of these tasks, which are short, and has no limit to be held.
-- Replies with a row a job: id, token, task, parameters, attempt, timeout (ms or false), time of the claim (ms),
-- memory limit (MiB or false), backoff (JSON or false), after, after_any (ids or false).
-- A claim that is sent again under the same token, because its reply was lost, gets the same jobs again.
-- include: give
-- include: heads
-- include: limits
local at, worker, lease, token = clock(), ARGV[2], tonumber(ARGV[3]), ARGV[5]
local most, free, short = string.match(ARGV[4], '^(%d+) ?(%d*)(.*)$')
most, free, short = tonumber(most), tonumber(free), short .. ' '
local again = give_again(worker, token)
if again then return again end
local ids, waited, next_argument = '', 0, 6
local passed = 0 -- jobs that were looked at and not given out: a call looks at a hundred of them at the most

local function take(id, score, queue, task, limit)
  local v = redis.call('HMGET', K.job(id), 'p', 'a', 'to', 'b', 'mm', 'bo', 'af', 'ay', 's', 'n', 'xa', 'lg', 'c')
  local job = { id = id, status = v[9], queue = queue, task = task, number = v[10], group = v[12], is_from_queue = true }
  local is_late = tonumber(v[11] or at + 1) <= at -- `expire` finds it
  if job.status ~= S.submitted or is_late or is_capped(job, score, limit) then
    passed = passed + 1
    if job.status == S.submitted then set_aside(job) end
    return
  end
  if v[11] then
    redis.call('ZREM', K.expiring(), id)
    redis.call('HDEL', K.job(id), 'xa')
  end
  local its_token, attempt = token .. #claimed, tonumber(v[2] or 0) + 1
  relist(job, S.in_progress)
  redis.call('HSET', K.job(id), 's', S.in_progress, 'k', its_token, 'w', worker, 'b', at, 'a', attempt)
  later('ZADD', K.leases(), at + lease, id)
  note_start(job, limit, at)
  ids, waited = ids .. ' ' .. id, waited + at - (v[13] or at)
  give(id, its_token, task, v, attempt, at)
end

local function from_queue(queue, tasks)
  local limits, lines = limits_of(tasks), lines_of(queue, tasks, most - #claimed)
  local function look(line)
    if line.id and is_closed(queue, line.task, limits[line.task], at) then line.id = nil end
  end
  for _, line in ipairs(lines) do look(line) end
  while #claimed < most and passed < 100 do
    local line = best_of(lines)
    if not line then return end
    if free and #claimed >= free and not may_wait(line.task, short, limits) then most = #claimed break end
    later('ZREM', line.key, line.id)
    take(line.id, line.score, queue, line.task, limits[line.task])
    advance(line, most)
    look(line)
  end
  -- more is waiting than this worker took: the next idle one shall look
  for _, line in ipairs(lines) do
    if line.id then redis.call('ZADD', K.wake(queue, line.task), 0, 'look') end
  end
end

while next_argument <= #ARGV do
  local queue, tasks, count = ARGV[next_argument], {}, tonumber(ARGV[next_argument + 1])
  for i = 1, count do tasks[i] = ARGV[next_argument + 1 + i] end
  next_argument = next_argument + 2 + count
  if count > 0 and redis.call('SISMEMBER', K.paused(), queue) == 0 then from_queue(queue, tasks) end
end
if ids ~= '' then note_claim(worker, token, ids, lease, waited) end
return claimed
