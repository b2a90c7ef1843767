-- Part of submit and admit: a job whose record is written gets its number and its places. `fields`: of its record.
-- include: defer
local function admit(id, fields, at)
  local job = {
    id = id, status = S.submitted, queue = fields.q, task = fields.t, priority = tonumber(fields.pr or 0),
    number = redis.call('INCR', K.sequence()),
  }
  redis.call('HSET', K.job(id), 's', S.submitted, 'n', job.number)
  for tag in string.gmatch(fields.tg or '', '%S+') do redis.call('ZADD', K.tagged(tag), job.number, id) end
  if fields.xa then redis.call('ZADD', K.expiring(), fields.xa, id) end
  if fields.ra and tonumber(fields.ra) > at then
    defer(job, fields.ra)
    return S.scheduled
  end
  relist(job, S.submitted)
  enqueue(job)
  return S.submitted
end
