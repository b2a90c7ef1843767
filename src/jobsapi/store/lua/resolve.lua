-- resolve: jobs that wait for others which have ended go on: into their queues, or to an end of their own, which those
-- that wait for them are told in turn. Small steps: a parent that ends is only noted, however many wait for it.
-- ARGV: clock, how long the job's remains are kept (ms), how many jobs at the most
-- Replies with 1 where there is more to do, else 0.
-- include: family
local at, keep, left = clock(), tonumber(ARGV[2]), tonumber(ARGV[3])

local function tell(entry, parent, has_completed)
  local mark, id = string.match(entry, '^(%*?)(.*)$')
  local job = fetch(id)
  local v = redis.call('HMGET', K.job(id), 'pn', 'ra')
  if not job or job.status ~= S.scheduled or not v[1] then return end -- it was cancelled, or retried since
  if mark == '' and not has_completed then
    withdraw(job)
    fail_dependent(job, parent, at, keep)
  elseif tonumber(v[1]) > 1 then
    redis.call('HINCRBY', K.job(id), 'pn', -1)
  else
    redis.call('HDEL', K.job(id), 'pn')
    let_go(job, v[2], at)
  end
end

while left > 0 do
  local parent = redis.call('ZRANGE', K.settled(), 0, 0)[1]
  if not parent then return 0 end
  local record = fetch(parent)
  local is_over = not record or is_ended(record) -- else it was retried, and they wait on
  local entries = is_over and redis.call('LPOP', K.children(parent), left) or {}
  for _, entry in ipairs(entries) do tell(entry, parent, record and record.status == S.complete) end
  if #entries < left then redis.call('ZREM', K.settled(), parent) end
  left = left - math.max(1, #entries)
end
return redis.call('EXISTS', K.settled())
