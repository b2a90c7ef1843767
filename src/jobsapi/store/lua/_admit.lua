-- Part of submit and admit: a job whose record is written gets its number and its places. `fields`: of its record.
-- Replies with its status.
-- include: family
local function admit(id, fields, at, keep)
  local job = {
    id = id, status = S.submitted, queue = fields.q, task = fields.t, priority = tonumber(fields.pr or 0),
    number = redis.call('INCR', K.sequence()), keep = tonumber(fields.kp or nil), key = fields.ky, webhook = fields.wh,
    has_children = fields.ch, -- while it was staged others may have come after it
  }
  redis.call('HSET', K.job(id), 's', S.submitted, 'n', job.number)
  for tag in string.gmatch(fields.tg or '', '%S+') do redis.call('ZADD', K.tagged(tag), job.number, id) end
  if fields.af or fields.ay then
    local pending, failed = link(job, fields.af, '')
    pending = pending + link(job, fields.ay, '*')
    if failed then
      fail_dependent(job, failed, at, keep)
      return S.failed
    elseif pending > 0 then
      redis.call('HSET', K.job(id), 's', S.scheduled, 'pn', pending)
      relist(job, S.scheduled)
      if fields.xa then redis.call('ZADD', K.expiring(), fields.xa, id) end
      return S.scheduled
    end
  end
  if fields.xa then redis.call('ZADD', K.expiring(), fields.xa, id) end
  let_go(job, fields.ra, at)
  return redis.call('HGET', K.job(id), 's')
end
