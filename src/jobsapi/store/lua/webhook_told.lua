-- webhook_told: what came of a try to send a webhook.
-- ARGV: clock, id, until when the sender's lease holds (ms), what went wrong ('' : it was taken), how long until the next
-- try (ms; '' : there is none)
-- Replies with 1, or 0 where another sender has it now, or the job was retried or removed meanwhile.
local at, id, pause = clock(), ARGV[2], ARGV[5]
if tonumber(redis.call('ZSCORE', K.webhooks(), id) or -1) ~= tonumber(ARGV[3]) then return 0 end
if ARGV[4] == '' then redis.call('HDEL', K.job(id), 'he') else redis.call('HSET', K.job(id), 'he', ARGV[4]) end
if ARGV[4] ~= '' and pause ~= '' then
  redis.call('ZADD', K.webhooks(), at + tonumber(pause), id)
else
  redis.call('ZREM', K.webhooks(), id)
  redis.call('HSET', K.job(id), 'hs', ARGV[4] == '' and 'd' or 'g')
  redis.call('HINCRBY', K.webhook_ends(), ARGV[4] == '' and 'delivered' or 'given-up', 1)
end
return 1
