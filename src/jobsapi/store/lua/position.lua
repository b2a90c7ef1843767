-- position: how many jobs of its queue will be claimed before this one.
-- ARGV: clock, id
-- Replies with a number, or false where the job is not waiting in a queue.
local job = fetch(ARGV[2])
if not job or job.status ~= S.submitted then return false end
local score = redis.call('ZSCORE', K.ready(job.queue, job.task), job.id)
if not score then return false end
local ahead = 0
for _, member in ipairs(redis.call('SMEMBERS', K.lists())) do
  local status, queue, task = string.match(member, '^(.-):(.-):(.*)$')
  if status == S.submitted and queue == job.queue then
    ahead = ahead + redis.call('ZCOUNT', K.ready(queue, task), '-inf', '(' .. score)
  end
end
return ahead
