-- commit: accept a staged submit as a whole; from here on its jobs are let in even if their sender dies.
-- ARGV: clock, batch, how many jobs it must hold, the id of one of them
-- Replies with 1. Refuses with LOSTSTAGE where the stage is not complete (it was swept as abandoned).
local at, batch, expected = clock(), ARGV[2], tonumber(ARGV[3])
if redis.call('EXISTS', K.committed(batch)) == 0 then
  if redis.call('LLEN', K.stage(batch)) ~= expected then
    local status = ARGV[4] and redis.call('HGET', K.job(ARGV[4]), 's')
    if status and status ~= S.staged then return 1 end -- the reply was lost, and all of it is let in meanwhile
    return redis.error_reply('LOSTSTAGE The submit took too long and was dropped; nothing of it was recorded.')
  end
  redis.call('SET', K.committed(batch), at)
  redis.call('ZADD', K.staged(), at, batch)
end
return 1
