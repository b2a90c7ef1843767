-- prune: of the ended jobs whose time has come, remove the results first, the whole record later.
-- ARGV: clock, how long records are kept (ms), how many at the most
-- Replies with id, token, … of the jobs whose outputs are gone now, and with nothing when nothing is due.
-- include: erase
local at, keep_record, removed = clock(), tonumber(ARGV[2]), {}
local due = redis.call('ZRANGEBYSCORE', K.retained(), '-inf', at, 'LIMIT', 0, tonumber(ARGV[3]))
for _, id in ipairs(due) do
  local job = fetch(id)
  local v = redis.call('HMGET', K.job(id), 'e', 'rx')
  if not job then
    redis.call('ZREM', K.retained(), id)
  elseif v[2] or tonumber(v[1]) + keep_record <= at then
    erase(job, at)
  else
    erase_outputs(job, at)
    redis.call('ZADD', K.retained(), tonumber(v[1]) + keep_record, id)
  end
  removed[#removed + 1] = id
  removed[#removed + 1] = job and job.token or ''
end
return removed
