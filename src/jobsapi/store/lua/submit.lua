-- submit: record jobs and put them into their queues, all of them in one step. At most a few hundred a call.
-- ARGV: clock, then for each job: id, queue, task, priority, tags (by spaces), number of pairs, field, value, …
-- Replies with the time of creation, ms. A job whose id is known already is the same job sent again, and stays.
-- include: admit
local at, next_argument = clock(), 2
local function take()
  next_argument = next_argument + 1
  return ARGV[next_argument - 1]
end
while next_argument <= #ARGV do
  local id, queue, task, priority, tags = take(), take(), take(), take(), take()
  local record = { 'HSET', K.job(id), 'q', queue, 't', task, 'c', at }
  for _ = 1, 2 * take() do record[#record + 1] = take() end
  if redis.call('EXISTS', K.job(id)) == 0 then
    redis.call(unpack(record))
    admit(id, queue, task, priority, tags)
  end
end
return at
