-- Part of strays and repair: entries of indexes that belong to a job, and whether they should be there.
-- `index`: the name of a key; `of`: what its spelling takes.

local function stands(index, of, id)
  if index == 'keyed' or index == 'cached' then return redis.call('GET', K[index](of[1])) == id end
  if index == 'stage' then return redis.call('LPOS', K.stage(of[1]), id) end
  return score_in(index, K[index](unpack(of)), id)
end

local function has(ids, id) return string.find(' ' .. (ids or '') .. ' ', ' ' .. id .. ' ', 1, true) end

local function belongs(index, of, job, at)
  if not job then return false end
  if not job.is_whole then return true end -- nobody can tell
  if index == 'keyed' then return job.key == of[1] and not is_ended(job) end
  if index == 'cached' then return job.cached and string.match(job.cached, ':(.*)$') == of[1] end
  if index == 'stage' then return job.status == S.staged and job.batch == of[1] end
  if index == 'followers' then return has(job.after, of[1]) or has(job.after_any, of[1]) end
  for _, place in ipairs(places(job, at)) do
    if place[2] == K[index](unpack(of)) then return true end
  end
  return false
end

local function is_stray(index, of, id, at)
  return stands(index, of, id) and not belongs(index, of, fetch_all(id), at)
end

local function take_out(index, of, id)
  if index == 'keyed' or index == 'cached' then return redis.call('DEL', K[index](of[1])) end
  if index == 'stage' then return redis.call('LREM', K.stage(of[1]), 0, id) end
  return redis.call(index == 'running' and 'SREM' or 'ZREM', K[index](unpack(of)), id)
end
