-- Part of prune: ended jobs, found by their numbers in the lists, and what is taken from them.
local lists = {}
local looks = 4 -- groups of jobs that a call reads: well under a millisecond each

for _, member in ipairs(redis.call('SMEMBERS', K.lists())) do
  local status, queue, task = string.match(member, '^(.-):(.-):(.*)$')
  if is_ended({ status = status }) then lists[#lists + 1] = K.listed(status, queue, task) end
end

local function count_ended()
  local count = 0
  for _, list in ipairs(lists) do count = count + redis.call('ZCARD', list) end
  return count
end

-- Those of a group that have results (or `is_bare`: have none any more), in the order in which they are due. `keep`: how
-- long that is kept, ms, where the job itself does not say.
local function ended_of(group, is_bare, keep)
  local found = {}
  looks = looks - 1
  for _, list in ipairs(lists) do
    for _, id in ipairs(redis.call('ZRANGEBYSCORE', list, group * 256, group * 256 + 255)) do
      local v = redis.call('HMGET', K.job(id), 'e', 'n', 'kp', 'rx')
      if v[1] and (v[4] ~= false) == is_bare then
        local due = v[1] + (is_bare and keep or tonumber(v[3] or keep))
        found[#found + 1] = { id = id, number = tonumber(v[2]), due = due }
      end
    end
  end
  table.sort(found, function(a, b)
    if a.due == b.due then return a.number < b.number end
    return a.due < b.due
  end)
  return found
end

local function remove(job)
  erased = erased + 1
  return erase(job, at)
end

local function remove_outputs(job)
  local last = tonumber(redis.call('HGET', K.job(job.id), 'e')) + keep_record
  if last <= at then return remove(job) end
  erase_outputs(job, at)
  look_by(K.bare(), group_of(job), last)
end

local function touch(id, act)
  local job, parents = fetch(id), nil
  if job then parents = act(job) else redis.call('ZREM', K.bulky(), id) end
  removed[#removed + 1] = id
  removed[#removed + 1] = job and job.token or ''
  left = left - 1 - math.floor((parents or 0) / 100) -- a job counts by how many it came after, too
end
