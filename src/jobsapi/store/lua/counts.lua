-- counts: how many jobs each list holds, and when the oldest waiting one was made.
-- ARGV: clock
-- Replies with rows: status, queue, task, count, time of creation of the oldest (ms, or false).
-- include: queued
local rows = {}
for _, member in ipairs(redis.call('SMEMBERS', K.lists())) do
  local status, queue, task = string.match(member, '^(.-):(.-):(.*)$')
  local list = K.listed(status, queue, task)
  local first, count = redis.call('ZRANGE', list, 0, 0, 'WITHSCORES'), redis.call('ZCARD', list)
  local oldest, number = first[1], tonumber(first[2])
  if status == S.submitted then
    count = count + redis.call('ZCARD', K.ready(queue, task))
    for _, each in ipairs(priorities_in(K.ready(queue, task))) do
      if not oldest or each.number < number then oldest, number = each.id, each.number end
    end
  end
  rows[#rows + 1] = {
    status, queue, task, count,
    oldest and redis.call('HGET', K.job(oldest), 'c') or false, -- a nil would end the row before its place
  }
end
return rows
