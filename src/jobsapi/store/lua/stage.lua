-- stage: write the records of a part of a large submit, which no list and no queue shows yet.
-- ARGV: clock, batch, then for each job: id, number of pairs, field, value, … (with q, t, pr and tg among them)
-- Replies with how many jobs the batch holds now. A job that is sent again is counted once.
local at, batch, next_argument = clock(), ARGV[2], 3
local function take()
  next_argument = next_argument + 1
  return ARGV[next_argument - 1]
end
while next_argument <= #ARGV do
  local id = take()
  local record = { 'HSET', K.job(id), 's', S.staged, 'c', at }
  for _ = 1, 2 * take() do record[#record + 1] = take() end
  if redis.call('EXISTS', K.job(id)) == 0 then
    redis.call(unpack(record))
    redis.call('RPUSH', K.stage(batch), id)
  end
end
redis.call('ZADD', K.staged(), at, batch)
return redis.call('LLEN', K.stage(batch))
