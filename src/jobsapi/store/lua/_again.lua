-- Part of the scripts after which a job runs again: its story, and the ways back to where it waits.
-- include: leave

-- One line of the job's story: how a run ended that did not complete. `error`: JSON, put in as it is. Of a long story
-- the first 10 and the last 90 lines are kept. Field of the job: hl, how many are left out.
local function remember(job, outcome, at, detail, error)
  local line = cjson.encode({
    attempt = job.attempt, outcome = outcome, worker = job.worker or '', token = job.token or '',
    started = job.began or at, ended = at, detail = detail,
  })
  if error and error ~= '' then line = string.sub(line, 1, -2) .. ',"error":' .. error .. '}' end
  if redis.call('RPUSH', K.history(job.id), line) > 100 then
    redis.call('LSET', K.history(job.id), 10, '')
    redis.call('LREM', K.history(job.id), 1, '')
    redis.call('HINCRBY', K.job(job.id), 'hl', 1)
  end
end

-- Back from a worker into the queue under the same attempt number: the next claim counts it up again.
local function hand_back(job)
  unclaim(job)
  redis.call('HSET', K.job(job.id), 's', S.submitted, 'a', job.attempt - 1)
  redis.call('HDEL', K.job(job.id), 'k', 'w', 'b', 'pg')
  enqueue(job)
end
