-- Before every script: the keys (K), the statuses (S), the clock, and the ways a record moves between lists.
-- KEYS[1] is the namespace's prefix (all keys share its hash tag); ARGV[1] a clock for tests, ms, else ''.
local function clock()
  if ARGV[1] ~= '' then return tonumber(ARGV[1]) end
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end

-- What the transitions need to know of a job; nil where there is none.
local function fetch(id)
  local v = redis.call('HMGET', K.job(id), 's', 't', 'q', 'n', 'pr', 'k', 'a', 'd', 'md', 'kp', 'cr', 'w', 'b', 'ma',
    'xa', 'ky', 'ch', 'lg', 'wt', 'wh')
  if not v[1] then return nil end
  return {
    id = id, status = v[1], task = v[2], queue = v[3], number = v[4], priority = tonumber(v[5] or 0),
    token = v[6], attempt = tonumber(v[7] or 0), lost = tonumber(v[8] or 0), most_lost = tonumber(v[9] or nil),
    keep = tonumber(v[10] or nil), cancel = v[11], worker = v[12], began = tonumber(v[13] or nil),
    most_attempts = tonumber(v[14] or 1), expires = tonumber(v[15] or nil), key = v[16],
    has_children = v[17], group = v[18], is_awaited = v[19], webhook = v[20],
  }
end

-- include: later

-- Move a job from the list of its present status (nil: from none) to another's (nil: to none).
local function relist(job, to)
  if job.status then later('ZREM', K.listed(job.status, job.queue, job.task), job.id) end
  if not to then return end
  note_moved(job.id)
  local list = K.listed(to, job.queue, job.task)
  local words = words_of('ZADD', list)
  if not words[3] then later('SADD', K.lists(), to .. ':' .. job.queue .. ':' .. job.task) end
  words[#words + 1] = job.number
  words[#words + 1] = job.id
end

-- One idle worker shall look. Where the marker is set, the queue's list is known.
local function wake(queue, task)
  if redis.call('ZADD', K.wake(queue, task), 0, 'look') == 0 then return end
  redis.call('SADD', K.lists(), S.submitted .. ':' .. queue .. ':' .. task)
end

-- Into the queue, by priority, then by number; and one idle worker shall look. The queue is the list of submitted jobs,
-- too: only one that had to leave it (`set_aside`) stands in another.
local function enqueue(job)
  if job.status then relist(job, nil) end
  note_moved(job.id)
  local queue = K.ready(job.queue, job.task)
  local words = words_of('ZADD', queue)
  if not words[3] then wake(job.queue, job.task) end
  words[#words + 1] = (100 - job.priority) * 2 ^ 44 + job.number
  words[#words + 1] = job.id
end
local function set_aside(job) later('ZADD', K.listed(S.submitted, job.queue, job.task), job.number, job.id) end

local function unknown() return redis.error_reply('UNKNOWNJOB No job has this id.') end
local function not_holder() return redis.error_reply('NOTHOLDER This claim no longer holds the job.') end
local function wrong_status(job) return redis.error_reply('WRONGSTATUS ' .. job.status) end
local function is_ended(job)
  return job.status == S.complete or job.status == S.failed or job.status == S.cancelled
end
local function is_held(job, token) return job.status == S.in_progress and job.token == token end
