-- counts: how many jobs each list holds, and when the oldest waiting one was made.
-- ARGV: clock
-- Replies with rows: status, queue, task, count, time of creation of the oldest (ms, or false).
local rows = {}
for _, member in ipairs(redis.call('SMEMBERS', K.lists())) do
  local status, queue, task = string.match(member, '^(.-):(.-):(.*)$')
  local oldest = redis.call('ZRANGE', K.listed(status, queue, task), 0, 0)[1]
  rows[#rows + 1] = {
    status, queue, task, redis.call('ZCARD', K.listed(status, queue, task)),
    oldest and redis.call('HGET', K.job(oldest), 'c') or false, -- a nil would end the row before its place
  }
end
return rows
