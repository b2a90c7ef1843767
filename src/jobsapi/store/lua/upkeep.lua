-- upkeep: a worker is about to look for jobs that are lost or old; says from when on leases may be taken.
-- ARGV: clock, lease (ms)
-- Replies with 1 where leases that ran out may be reaped now, else 0: after a gap longer than a lease (a laptop that
-- slept, a server that loaded its file) every holder first gets one lease's time to renew.
local at, lease = clock(), tonumber(ARGV[2])
local v = redis.call('HMGET', K.upkeep(), 'last', 'from')
local from = tonumber(v[2] or 0)
if not v[1] or at - tonumber(v[1]) > lease then from = at + lease end
redis.call('HSET', K.upkeep(), 'last', at, 'from', from)
return at >= from and 1 or 0
