-- Part of the scripts that let jobs in: a new one gets its number and its places.
-- include: family

-- `record`: id, queue, task, and of its fields those of `names`; `write(record, at, status, number)` writes that into it.
-- Replies with its status.
local names = { 'pr', 'tg', 'ra', 'xa', 'af', 'ay', 'kp', 'ky', 'ch', 'wh', 'wt', 'ck' }
local function admit(record, number, at, keep, write)
  local id, fields = record.id, record.fields
  if not next(fields) then -- most jobs: they go into their queue and say no more
    record.number, record.priority = number, 0
    write(record, at, S.submitted, number)
    enqueue(record)
    return S.submitted
  end
  local job = {
    id = id, queue = record.queue, task = record.task, priority = tonumber(fields.pr or 0), number = number,
    keep = tonumber(fields.kp or nil), key = fields.ky, webhook = fields.wh,
    has_children = fields.ch, is_awaited = fields.wt, -- while it was staged others may have come after it
  }
  local due, pending, failed = tonumber(fields.ra or 0), 0, nil
  if fields.af or fields.ay then
    pending, failed = link(job, fields.af, '')
    pending = pending + link(job, fields.ay, '*')
  end
  for tag in string.gmatch(fields.tg or '', '%S+') do later('ZADD', K.tagged(tag), number, id) end
  if failed then
    write(record, at, S.failed, number)
    fail_dependent(job, failed, at, keep)
    return S.failed
  end
  if fields.xa then redis.call('ZADD', K.expiring(), fields.xa, id) end
  if pending == 0 and due <= at then
    write(record, at, S.submitted, number)
    enqueue(job)
    return S.submitted
  end
  write(record, at, S.scheduled, number)
  if pending > 0 then
    redis.call('HSET', K.job(id), 'pn', pending)
    relist(job, S.scheduled)
  else
    defer(job, due)
  end
  return S.scheduled
end
