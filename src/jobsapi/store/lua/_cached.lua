-- Part of what records jobs and what removes them: a job of a task with a cache answers for all that are the same.

-- Of a record's `ck`: for how long it does so after its end, ms, and the key of all that are the same.
local function cached_as(told)
  if not told then return nil end
  local age, key = string.match(told, '^(%d+):(.*)$')
  return tonumber(age), key
end

-- The job that answers, nil where none does: it completed not longer ago than that, or is active and to go on. One of a
-- large submit does before that is accepted only for others of the same batch.
local function answering(told, batch, at)
  local age, key = cached_as(told)
  local id = key and redis.call('GET', K.cached(key))
  if not id then return nil end
  local v = redis.call('HMGET', K.job(id), 's', 'e', 'rx', 'cr', 'bt')
  local is_active = v[1] == S.submitted or v[1] == S.scheduled or v[1] == S.in_progress
  if v[1] == S.staged then is_active = v[5] == batch or redis.call('EXISTS', K.committed(v[5])) == 1 end
  local is_fresh = v[1] == S.complete and not v[3] and v[2] + age > at
  return (is_fresh or is_active and not v[4]) and id or nil
end

local function answer_from_now(told, id)
  local _, key = cached_as(told)
  if key then redis.call('SET', K.cached(key), id) end
end

local function answer_no_more(told, id)
  local _, key = cached_as(told)
  if key and redis.call('GET', K.cached(key)) == id then redis.call('DEL', K.cached(key)) end
end
