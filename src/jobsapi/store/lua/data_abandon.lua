-- data_abandon: end a load that is not to be committed, and take away what it wrote.
-- ARGV: clock, data set, token, '1' to do so only if its lease ran out
-- Replies with how many loads were ended.
-- include: load
local at, dataset, token = clock(), ARGV[2], ARGV[3]
local until_when = tonumber(redis.call('ZSCORE', K.loads(), dataset .. ':' .. token) or 0)
if ARGV[4] == '1' and until_when > at then return 0 end
close_load(dataset, token)
return 1
