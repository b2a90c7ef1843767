-- Part of audit, strays and repair: where a job stands by what its record says.

local known = {}
for _, status in pairs(S) do known[status] = true end

-- What the record says beside what `fetch` reads. A record without these is no whole one.
local function fetch_all(id)
  local job = fetch(id)
  if not job then return nil end
  local v = redis.call('HMGET', K.job(id), 'tg', 'pn', 'ra', 'bt', 'e', 'rx', 'af', 'ay')
  job.tags, job.pending, job.due, job.batch, job.ended_at, job.has_no_output = v[1], v[2], v[3], v[4], v[5], v[6]
  job.after, job.after_any = v[7], v[8]
  local is_numbered = job.status == S.staged or (job.number and tonumber(job.number))
  job.is_whole = known[job.status] and job.queue and job.task and is_numbered and (job.ended_at or not is_ended(job))
  return job
end

-- {name of the key, the key, the score there (nil: any), whether the job need not stand there, what the key is of}
local function places(job, at)
  if job.status == S.staged then return {} end
  local found = { { 'listed', K.listed(job.status, job.queue, job.task), tonumber(job.number) } }
  for tag in string.gmatch(job.tags or '', '%S+') do
    found[#found + 1] = { 'tagged', K.tagged(tag), tonumber(job.number), false, tag }
  end
  if job.status == S.submitted then
    local is_late = job.expires and job.expires <= at -- a claim that found it too late left it to `expire`
    local score = (100 - job.priority) * 2 ^ 44 + job.number
    found[#found + 1] = { 'ready', K.ready(job.queue, job.task), score, is_late, job.queue }
  elseif job.status == S.scheduled and job.due and not job.pending then
    found[#found + 1] = { 'due', K.due(), tonumber(job.due) }
  elseif job.status == S.in_progress then
    found[#found + 1] = { 'leases', K.leases() }
  elseif is_ended(job) then
    found[#found + 1] = { 'retained', K.retained() }
  end
  if job.expires and (job.status == S.submitted or job.status == S.scheduled) then
    found[#found + 1] = { 'expiring', K.expiring(), job.expires }
  end
  return found
end

-- Those of its places where it does not stand, or not under the right score.
local function wrong_places(job, at)
  local wrong = {}
  for _, place in ipairs(places(job, at)) do
    local score = redis.call('ZSCORE', place[2], job.id)
    local fits = score and (not place[3] or tonumber(score) == place[3])
    if not fits and (score or not place[4]) then wrong[#wrong + 1] = place end
  end
  return wrong
end

local function lacks_key(job) return job.key and not is_ended(job) and redis.call('GET', K.keyed(job.key)) ~= job.id end
local function is_of_no_list(job)
  local list = job.status .. ':' .. job.queue .. ':' .. job.task
  return job.status ~= S.staged and redis.call('SISMEMBER', K.lists(), list) == 0
end
