-- submit: record jobs and put them where they wait, all of them in one step. At most a few hundred a call.
-- ARGV: clock, how long the remains of a job are kept that cannot run (ms), then for each job: id, number of pairs, field, value, …
-- Replies with the time of creation, ms, then for each job its status, or the id of the active job that stands for it.
-- A job whose id is known already is the same job sent again, and stays. Refuses with KEYTAKEN.
-- include: records
-- include: submit
local records, refusal = read_records(3)
if refusal then return refusal end
return (submit(records, clock(), tonumber(ARGV[2]), function() return redis.call('INCR', K.sequence()) end))
