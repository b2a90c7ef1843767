-- Before every script: the keys (K), the statuses (S), the clock, and the ways a record moves between lists.
-- KEYS[1] is the namespace's prefix (all keys share its hash tag); ARGV[1] a clock for tests, ms, else ''.
local function clock()
  if ARGV[1] ~= '' then return tonumber(ARGV[1]) end
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end

-- What the transitions need to know of a job; nil where there is none.
local function fetch(id)
  local v = redis.call('HMGET', K.job(id), 's', 't', 'q', 'n', 'pr', 'k', 'a', 'd', 'md', 'kp', 'cr', 'w', 'b')
  if not v[1] then return nil end
  return {
    id = id, status = v[1], task = v[2], queue = v[3], number = v[4], priority = tonumber(v[5] or 0),
    token = v[6], attempt = tonumber(v[7] or 0), lost = tonumber(v[8] or 0), most_lost = tonumber(v[9] or nil),
    keep = tonumber(v[10] or nil), cancel = v[11], worker = v[12], began = tonumber(v[13] or nil),
  }
end

-- Move a job from the list of its present status to another's (nil: to none).
local function relist(job, to)
  redis.call('ZREM', K.listed(job.status, job.queue, job.task), job.id)
  if to then
    redis.call('ZADD', K.listed(to, job.queue, job.task), job.number, job.id)
    redis.call('SADD', K.lists(), to .. ':' .. job.queue .. ':' .. job.task)
  end
end

-- Into the queue: by priority, then by number; and one idle worker shall look.
local function enqueue(job)
  redis.call('ZADD', K.ready(job.queue, job.task), (100 - job.priority) * 2 ^ 44 + job.number, job.id)
  redis.call('ZADD', K.wake(job.queue, job.task), 0, 'look')
end

-- The end of a job. `keep`: how long its results stay, ms, where the job itself does not say.
local function settle(job, to, reason, at, keep)
  redis.call('ZREM', K.leases(), job.id)
  relist(job, to)
  redis.call('HSET', K.job(job.id), 's', to, 'e', at)
  if reason ~= '' then redis.call('HSET', K.job(job.id), 'r', reason) end
  redis.call('ZADD', K.retained(), at + (job.keep or keep), job.id)
  redis.call('HINCRBY', K.ended(), job.task .. ':' .. (reason ~= '' and reason or 'complete'), 1)
  if redis.call('HDEL', K.job(job.id), 'wt') == 1 then
    redis.call('RPUSH', K.waited(job.id), 'ended')
    redis.call('PEXPIRE', K.waited(job.id), 60000)
  end
end

-- Back from a worker into the queue under the same attempt number: the next claim counts it up again.
local function hand_back(job)
  redis.call('ZREM', K.leases(), job.id)
  relist(job, S.submitted)
  redis.call('HSET', K.job(job.id), 's', S.submitted, 'a', job.attempt - 1)
  redis.call('HDEL', K.job(job.id), 'k', 'w', 'b', 'pg')
  enqueue(job)
end

-- One line of the job's history: how an attempt or a delivery ended that did not complete.
local function remember(job, outcome, at, detail)
  redis.call('RPUSH', K.history(job.id), cjson.encode({
    attempt = job.attempt, outcome = outcome, worker = job.worker or '', token = job.token or '',
    started = job.began or at, ended = at, detail = detail,
  }))
end

local function unknown() return redis.error_reply('UNKNOWNJOB No job has this id.') end
local function not_holder() return redis.error_reply('NOTHOLDER This claim no longer holds the job.') end
local function wrong_status(job) return redis.error_reply('WRONGSTATUS ' .. job.status) end
local function is_ended(job)
  return job.status == S.complete or job.status == S.failed or job.status == S.cancelled
end
local function is_held(job, token) return job.status == S.in_progress and job.token == token end
