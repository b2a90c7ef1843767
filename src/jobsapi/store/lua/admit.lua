-- admit: let the next jobs of a committed submit into their queues; a stage that was never committed is dropped.
-- ARGV: clock, batch, how many at the most
-- Replies with how many jobs of the batch are left to do.
-- include: admit
local at, batch, most = clock(), ARGV[2], tonumber(ARGV[3])
local is_committed = redis.call('EXISTS', K.committed(batch)) == 1
local ids = redis.call('LPOP', K.stage(batch), most) or {}
for _, id in ipairs(ids) do
  if is_committed then
    local v = redis.call('HMGET', K.job(id), 'q', 't', 'pr', 'tg', 'ra', 'xa')
    admit(id, { q = v[1], t = v[2], pr = v[3], tg = v[4], ra = v[5], xa = v[6] }, at)
  else
    local key = redis.call('HGET', K.job(id), 'ky')
    if key then redis.call('DEL', K.keyed(key)) end
    redis.call('UNLINK', K.job(id))
  end
end
local left = redis.call('LLEN', K.stage(batch))
if left == 0 then
  redis.call('ZREM', K.staged(), batch)
  redis.call('DEL', K.committed(batch))
else
  redis.call('ZADD', K.staged(), at, batch)
end
return left
