-- drain: a worker shall claim no more, finish what it runs, and go.
-- ARGV: clock, worker
-- Replies with 1. Refuses with UNKNOWNWORKER.
local at, worker = clock(), ARGV[2]
if redis.call('EXISTS', K.worker(worker)) == 0 then return redis.error_reply('UNKNOWNWORKER No worker has this id.') end
redis.call('HSET', K.worker(worker), 'drain', 1) -- for its next heartbeat, should the word below be lost
redis.call('ZADD', K.control(worker), at, 'drain')
redis.call('PEXPIRE', K.control(worker), 3600000)
return 1
