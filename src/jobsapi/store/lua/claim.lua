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
local ids, waited, next_argument = {}, 0, 6
local passed = 0 -- jobs that were looked at and not given out: a call looks at a hundred of them at the most

local function take(line, queue)
  local id, task, limit = line.id, line.task, line.limit
  local key = K.job(id)
  local v = redis.call('HMGET', key, 'p', 'a', 'to', 'b', 'mm', 'bo', 'af', 'ay', 's', 'n', 'xa', 'lg', 'c')
  later('ZREM', line.key, id)
  if v[9] ~= S.submitted then passed = passed + 1 return end
  local job = (limit or v[11] or v[12]) and { id = id, queue = queue, task = task, number = v[10], group = v[12] }
  local is_late = v[11] and tonumber(v[11]) <= at -- `expire` finds it
  if is_late or limit and is_capped(job, line.score, limit) then
    passed = passed + 1
    return set_aside(job)
  end
  if v[11] then
    redis.call('ZREM', K.expiring(), id)
    redis.call('HDEL', key, 'xa')
  end
  local its_token, attempt = token .. #claimed, (v[2] or 0) + 1
  note_claimed(line, queue, v[10], id, at + lease)
  redis.call('HSET', key, 's', S.in_progress, 'k', its_token, 'w', worker, 'b', at, 'a', attempt)
  if job then note_start(job, limit, at) end
  ids[#ids + 1], waited = id, waited + at - (v[13] or at)
  give(id, its_token, task, v, attempt, at)
end

local function from_queue(queue, tasks)
  local limits = limits_of(tasks)
  local lines = lines_of(queue, tasks, most - #claimed, limits)
  for _, line in ipairs(lines) do
    line.may_wait = may_wait(line.task, short, limits)
    close(line, queue, at)
  end
  while #claimed < most and passed < 100 do
    local line = best_of(lines)
    if not line then return end
    if free and #claimed >= free and not line.may_wait then most = #claimed break end
    take(line, queue)
    advance(line, most)
    close(line, queue, at)
  end
  call_next(queue, lines)
end

while next_argument <= #ARGV do
  local queue, tasks, count = ARGV[next_argument], {}, tonumber(ARGV[next_argument + 1])
  for i = 1, count do tasks[i] = ARGV[next_argument + 1 + i] end
  next_argument = next_argument + 2 + count
  if count > 0 and redis.call('SISMEMBER', K.paused(), queue) == 0 then from_queue(queue, tasks) end
end
if ids[1] then note_claim(worker, token, ids, lease, waited) end
return claimed
