-- upkeep: a worker is about to look for jobs that are lost or old; says whether there are any.
-- ARGV: clock, lease (ms)
-- Replies with three times 1 or 0: whether leases that ran out may be reaped now, whether there is one, whether a large
-- submit is under way. After a gap longer than a lease (a laptop that slept, a server that loaded its file) every holder first gets one
-- lease's time to renew.
local at, lease = clock(), tonumber(ARGV[2])
local v = redis.call('HMGET', K.upkeep(), 'last', 'from')
local from = tonumber(v[2] or 0)
if not v[1] or at - tonumber(v[1]) > lease then from = at + lease end
redis.call('HSET', K.upkeep(), 'last', at, 'from', from)
local lost = redis.call('ZRANGEBYSCORE', K.leases(), '-inf', at, 'LIMIT', 0, 1)
return { at >= from and 1 or 0, #lost, redis.call('EXISTS', K.staged()) }
