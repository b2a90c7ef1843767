-- watch: somebody watches events, and will for some minutes: from here on scripts write them.
-- ARGV: clock, for how long (ms)
-- Replies with the id of the last event. Where nobody watched before, that is a marker: what came before it has gaps.
local last = redis.call('EXISTS', K.watched()) == 1 and redis.call('XREVRANGE', K.events(), '+', '-', 'COUNT', 1)[1]
redis.call('SET', K.watched(), 1, 'PX', ARGV[2])
return last and last[1] or redis.call('XADD', K.events(), '*', 'k', 'b')
