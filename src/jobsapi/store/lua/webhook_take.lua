-- webhook_take: give a sender webhooks that are due, each under a lease, so that no other sends it at the same moment.
-- ARGV: clock, lease (ms), how many at the most, most tries
-- Replies with rows: id, URL, the number of this end, which try it is, until when the lease holds (ms).
-- A try counts from here on: what ends its senders is given up, too.
local at, lease, most_tries, rows = clock(), tonumber(ARGV[2]), tonumber(ARGV[4]), {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', K.webhooks(), '-inf', at, 'LIMIT', 0, tonumber(ARGV[3]))) do
  local job = fetch(id)
  local v = redis.call('HMGET', K.job(id), 'hn', 'ht')
  if not job or not job.webhook or not is_ended(job) then
    redis.call('ZREM', K.webhooks(), id)
  elseif tonumber(v[2] or 0) >= most_tries then
    redis.call('ZREM', K.webhooks(), id)
    redis.call('HSET', K.job(id), 'hs', 'g')
    redis.call('HINCRBY', K.webhook_ends(), 'given-up', 1)
  else
    redis.call('ZADD', K.webhooks(), at + lease, id)
    rows[#rows + 1] = { id, job.webhook, v[1], redis.call('HINCRBY', K.job(id), 'ht', 1), at + lease }
  end
end
return rows
