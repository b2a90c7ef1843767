-- classic_save: a classic program writes a job's dict: its extra keys are kept with the record. An id that is not known
-- yet becomes a job that is in no queue.
-- ARGV: clock, id, queue, task, parameters (JSON), the keys that the record itself does not have (JSON, '' for none)
-- Replies with 1 where the job is new, else 0. Field of the job: x, those keys.
local at, id, queue, task, params, extra = clock(), ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local is_new = not fetch(id)
if is_new then
  local job = { id = id, status = S.scheduled, queue = queue, task = task, number = redis.call('INCR', K.sequence()) }
  redis.call('HSET', K.job(id), 's', S.scheduled, 'q', queue, 't', task, 'p', params, 'c', at, 'n', job.number)
  relist(job, S.scheduled)
end
if extra ~= '' then redis.call('HSET', K.job(id), 'x', extra) else redis.call('HDEL', K.job(id), 'x') end
return is_new and 1 or 0
