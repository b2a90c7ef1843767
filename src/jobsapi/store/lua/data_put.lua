-- data_put: write part of a segment, while the load holds its lock, and renew the lease; no segment: only renew.
-- ARGV: clock, data set, token, lease (ms), segment, field, value, …
-- Replies with 1. Refuses with DATASETBUSY where the lease ran out, so that nothing is written that nobody would remove.
-- include: load
local at, dataset, token, lease, segment = clock(), ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5]
if not holds(dataset, token) then return busy() end
redis.call('PEXPIRE', K.load_lock(dataset), lease)
redis.call('ZADD', K.loads(), at + lease, dataset .. ':' .. token)
if #ARGV > 5 then redis.call('SADD', K.load_segments(dataset, token), segment) end
for i = 6, #ARGV, 2 do redis.call('HSET', K.segment(dataset, segment), ARGV[i], ARGV[i + 1]) end
return 1
