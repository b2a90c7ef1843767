-- data_begin: take the lock of a data set for one load.
-- ARGV: clock, data set, token, lease (ms)
-- Replies with the name of the current generation, '' for none. Refuses with DATASETBUSY. May be sent again.
-- include: load
local at, dataset, token, lease = clock(), ARGV[2], ARGV[3], tonumber(ARGV[4])
if redis.call('EXISTS', K.load_lock(dataset)) == 1 and not holds(dataset, token) then return busy() end
redis.call('SET', K.load_lock(dataset), token, 'PX', lease)
redis.call('ZADD', K.loads(), at + lease, dataset .. ':' .. token)
return redis.call('HGET', K.datasets(), dataset) or ''
