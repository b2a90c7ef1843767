-- Part of audit, strays and repair: where a job stands by what its record says.
-- include: whole

-- {name of the key, the key, the score there (nil: any), what the key is of, what stands there (nil: the job's id)}
local function places(job, at)
  if job.status == S.staged then return {} end
  local found = {}
  local function is_listed()
    found[#found + 1] = { 'listed', K.listed(job.status, job.queue, job.task), tonumber(job.number) }
  end
  if job.status ~= S.submitted then is_listed() end
  for _, parent in ipairs(parents_there(job)) do
    found[#found + 1] = { 'followers', K.followers(parent), tonumber(job.number), parent }
  end
  for tag in string.gmatch(job.tags or '', '%S+') do
    found[#found + 1] = { 'tagged', K.tagged(tag), tonumber(job.number), tag }
  end
  if job.status == S.submitted then
    local is_late = job.expires and job.expires <= at -- a claim that found it too late left it to `expire`
    local score = (100 - job.priority) * 2 ^ 44 + job.number
    local ready, capped = K.ready(job.queue, job.task), job.group and K.capped(job.group, job.queue)
    if capped and redis.call('ZSCORE', capped, job.id) then -- one or the other
      found[#found + 1] = { 'capped', capped, score, job.queue }
      is_listed()
    elseif is_late and not redis.call('ZSCORE', ready, job.id) then
      is_listed()
    else
      found[#found + 1] = { 'ready', ready, score, job.queue }
    end
  elseif job.status == S.scheduled and job.due and not job.pending then
    found[#found + 1] = { 'due', K.due(), tonumber(job.due) }
  elseif job.status == S.in_progress then
    found[#found + 1] = { 'leases', K.leases() }
    if job.group then found[#found + 1] = { 'running', K.running(job.group), 1, job.group } end
  elseif is_ended(job) then
    found[#found + 1] = { 'retained', job.has_no_output and K.bare() or K.retained(), nil, nil, group_of(job) }
    if job.webhook and not job.is_told then found[#found + 1] = { 'webhooks', K.webhooks() } end
    if job.output_bytes then found[#found + 1] = { 'bulky', K.bulky(), tonumber(job.ended_at) } end
  end
  if job.expires and (job.status == S.submitted or job.status == S.scheduled) then
    found[#found + 1] = { 'expiring', K.expiring(), job.expires }
  end
  return found
end

-- Its score there; in a set it is 1.
local function score_in(name, key, id)
  if name ~= 'running' then return redis.call('ZSCORE', key, id) end
  return redis.call('SISMEMBER', key, id) == 1 and 1
end

-- Those of its places where it does not stand, or not under the right score.
local function wrong_places(job, at)
  local wrong = {}
  for _, place in ipairs(places(job, at)) do
    local score = score_in(place[1], place[2], place[5] or job.id)
    local fits = score and (not place[3] or tonumber(score) == place[3])
    if not fits then wrong[#wrong + 1] = place end
  end
  return wrong
end

local function lacks_key(job) return job.key and not is_ended(job) and redis.call('GET', K.keyed(job.key)) ~= job.id end
local function is_of_no_list(job)
  local list = job.status .. ':' .. job.queue .. ':' .. job.task
  return job.status ~= S.staged and redis.call('SISMEMBER', K.lists(), list) == 0
end
