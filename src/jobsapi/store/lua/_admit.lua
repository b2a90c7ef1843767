-- Part of the scripts that let jobs in: a new one gets its number and its places.
-- include: family

-- `fields`: of its record, which `write(status, …)` writes, with more fields and their values behind. Replies with its
-- status.
local function admit(id, fields, number, at, keep, write)
  local job = {
    id = id, queue = fields.q, task = fields.t, priority = tonumber(fields.pr or 0), number = number,
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
    write(S.failed, 'n', number)
    fail_dependent(job, failed, at, keep)
    return S.failed
  end
  if fields.xa then redis.call('ZADD', K.expiring(), fields.xa, id) end
  if pending > 0 then
    write(S.scheduled, 'n', number, 'pn', pending)
    relist(job, S.scheduled)
  elseif due > at then
    write(S.scheduled, 'n', number)
    defer(job, due)
  else
    write(S.submitted, 'n', number)
    relist(job, S.submitted)
    enqueue(job)
    return S.submitted
  end
  return S.scheduled
end
