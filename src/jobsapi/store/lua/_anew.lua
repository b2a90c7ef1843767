-- Part of repair: a job that waits for others, but not on as many lists as it waits for, is put onto those lists anew.
-- include: family
local function await_anew(job, at, keep)
  local before = 0
  local function take_off(ids, mark)
    for parent in string.gmatch(ids or '', '%S+') do
      before = before + redis.call('LREM', K.children(parent), 0, mark .. job.id)
    end
  end
  take_off(job.after, '')
  take_off(job.after_any, '*')
  local pending, failed = link(job, job.after, '')
  pending = pending + link(job, job.after_any, '*')
  if failed then
    withdraw(job)
    fail_dependent(job, failed, at, keep)
  elseif pending > 0 then
    redis.call('HSET', K.job(job.id), 'pn', pending)
  else
    redis.call('HDEL', K.job(job.id), 'pn')
    let_go(job, job.due, at)
  end
  return (before ~= tonumber(job.pending) or pending ~= before) and 1 or 0
end
