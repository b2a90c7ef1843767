-- resume: a paused queue gives out its jobs again, and idle workers look.
-- ARGV: clock, queue
-- Replies with 1 where it was paused, else 0.
local was_paused = redis.call('SREM', K.paused(), ARGV[2])
for _, member in ipairs(redis.call('SMEMBERS', K.lists())) do
  local status, queue, task = string.match(member, '^(.-):(.-):(.*)$')
  if status == S.submitted and queue == ARGV[2] then redis.call('ZADD', K.wake(queue, task), 0, 'look') end
end
return was_paused
