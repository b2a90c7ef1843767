-- fire: a schedule's job is recorded and its next due time set, in one step and once.
-- ARGV: clock, schedule, its definition, the due time that was seen (ms), the next one (ms), what is told of it (JSON),
-- then the job, or none, as `submit` takes it
-- Replies with 1, or 0 where another worker was first or the schedule was changed. Refuses with KEYTAKEN.
-- include: records
-- include: submit
local at, name = clock(), ARGV[2]
if redis.call('HGET', K.schedules(), name) ~= ARGV[3] then return 0 end
if tonumber(redis.call('ZSCORE', K.planned(), name) or -1) ~= tonumber(ARGV[4]) then return 0 end
local records, refusal = read_records(7)
if refusal then return refusal end
redis.call('ZADD', K.planned(), ARGV[5], name)
redis.call('HSET', K.fired(), name, ARGV[6])
submit(records, at, 0, function() return redis.call('INCR', K.sequence()) end) -- one that cannot run leaves no remains
return 1
