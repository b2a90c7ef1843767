-- Part of the scripts about jobs that wait for others to end.
-- include: settle
-- include: defer

-- Let a job wait for those of `ids` that are active; `mark`: '*' where they need not complete. Replies with how many
-- those are, and the first that did not complete though it should. All that are there know it as one that came after them.
local function link(job, ids, mark)
  local pending, failed = 0, nil
  for parent in string.gmatch(ids or '', '%S+') do
    local status = redis.call('HGET', K.job(parent), 's')
    if status then later('ZADD', K.followers(parent), job.number, job.id) end
    if status and not is_ended({ status = status }) then
      redis.call('RPUSH', K.children(parent), mark .. job.id)
      redis.call('HSET', K.job(parent), 'ch', 1)
      pending = pending + 1
    elseif mark == '' and status ~= S.complete then
      failed = failed or parent
    end
  end
  return pending, failed
end

-- It waits for nothing but its time, if that has not come.
local function let_go(job, due, at)
  if due and tonumber(due) > at then return defer(job, due) end
  redis.call('HSET', K.job(job.id), 's', S.submitted)
  enqueue(job)
end

local function fail_dependent(job, parent, at, keep)
  local message = 'The job ' .. parent .. ', which it came after, did not complete.'
  redis.call('HSET', K.job(job.id), 'er', cjson.encode({ type = 'Dependency', message = message, traceback = '' }))
  settle(job, S.failed, 'dependency', at, keep)
end
