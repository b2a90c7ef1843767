-- stage: write the records of a part of a large submit, which no list and no queue shows yet.
-- ARGV: clock, batch, then for each job: id, number of pairs, field, value, … (with q and t among them)
-- Replies with how many jobs the batch holds now. A job that is sent again is counted once.
-- include: records
local at, batch = clock(), ARGV[2]
for id, _, command in next_record, 3 do
  if redis.call('EXISTS', K.job(id)) == 0 then
    redis.call(unpack(command))
    redis.call('HSET', K.job(id), 's', S.staged, 'c', at)
    redis.call('RPUSH', K.stage(batch), id)
  end
end
redis.call('ZADD', K.staged(), at, batch)
return redis.call('LLEN', K.stage(batch))
