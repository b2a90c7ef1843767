-- data_touch: a generation that is superseded is still in use: it stays a while longer.
-- ARGV: clock, data set, generation, how long (ms)
-- Replies with whether it is there.
local at, dataset, generation, keep = clock(), ARGV[2], ARGV[3], tonumber(ARGV[4])
redis.call('ZADD', K.superseded(), 'XX', 'GT', at + keep, dataset .. ':' .. generation)
return redis.call('EXISTS', K.generation(dataset, generation))
