-- submit: record jobs and put them where they wait, all of them in one step. At most a few hundred a call.
-- ARGV: clock, then for each job: id, number of pairs, field, value, … (with q and t among them)
-- Replies with the time of creation, ms, then for each job its status. A job whose id is known already is the same job
-- sent again, and stays.
-- include: admit
-- include: records
local at = clock()
local replies = { at }
for id, fields, command in next_record, 2 do
  local status = redis.call('HGET', K.job(id), 's')
  if not status then
    redis.call(unpack(command))
    redis.call('HSET', K.job(id), 'c', at)
    status = admit(id, fields, at)
  end
  replies[#replies + 1] = status
end
return replies
