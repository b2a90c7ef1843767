-- sample: what was counted so far of jobs' ends and waits is kept, where the last sample is old enough.
-- ARGV: clock, how old that is (ms), how many samples are kept
-- Replies with 1 where one was taken, else 0.
local at, every = clock(), tonumber(ARGV[2])
local last = redis.call('XREVRANGE', K.samples(), '+', '-', 'COUNT', 1)[1]
if last and at - last[2][2] < every then return 0 end
local v = redis.call('HMGET', K.waits(), 'n', 'ms')
redis.call('XADD', K.samples(), 'MAXLEN', ARGV[3], '*', 'at', at, 'n', v[1] or 0, 'ms', v[2] or 0,
  'ended', cjson.encode(redis.call('HGETALL', K.ended())))
return 1
