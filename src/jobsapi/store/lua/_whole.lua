-- Part of audit, strays and repair: all that a record says of its job, and whether it says enough.

local known = {}
for _, status in pairs(S) do known[status] = true end

-- What the record says beside what `fetch` reads. A record without these is no whole one.
local function fetch_all(id)
  local job = fetch(id)
  if not job then return nil end
  local v = redis.call('HMGET', K.job(id), 'tg', 'pn', 'ra', 'bt', 'e', 'rx', 'af', 'ay', 'hs',
    'ob', 'ck')
  job.tags, job.pending, job.due, job.batch, job.ended_at, job.has_no_output = v[1], v[2], v[3], v[4], v[5], v[6]
  job.after, job.after_any, job.is_told, job.output_bytes, job.cached = v[7], v[8], v[9], v[10], v[11]
  local is_numbered = job.status == S.staged or (job.number and tonumber(job.number))
  job.is_whole = known[job.status] and job.queue and job.task and is_numbered and (job.ended_at or not is_ended(job))
  return job
end

-- Those that it came after, where they are still there.
local function parents_there(job)
  local found = {}
  for parent in string.gmatch((job.after or '') .. ' ' .. (job.after_any or ''), '%S+') do
    if redis.call('EXISTS', K.job(parent)) == 1 then found[#found + 1] = parent end
  end
  return found
end
