-- commit: accept a staged submit as a whole; from here on its jobs are let in even if their sender dies.
-- ARGV: clock, batch, how many jobs of its own it must hold, what is told of it (JSON), how long results are kept (ms),
-- how many places its list has, then where all of them were staged by stage_alike: their queue, task and priority
-- Replies with 1. Refuses with LOSTSTAGE where the stage is not complete (it was swept as abandoned).
-- include: batch
local at, batch, expected, places = clock(), ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[6])
if redis.call('EXISTS', K.batch(batch)) == 1 then return 1 end -- the reply was lost; all of it may be let in meanwhile
if redis.call('LLEN', K.stage(batch)) ~= expected then
  return redis.error_reply('LOSTSTAGE The submit took too long and was dropped; nothing of it was recorded.')
end
local before = before_first(batch, places)
make_batch(batch, expected, before, before + places, ARGV[4], at, tonumber(ARGV[5]))
redis.call('SET', K.committed(batch), ARGV[7] and table.concat({ at, ARGV[7], ARGV[8], ARGV[9] }, ' ') or at)
redis.call('ZADD', K.staged(), at, batch)
return 1
