-- tidy: the lists of a queue and task of which no job is left are forgotten; some lists, picked by chance, are looked at.
-- ARGV: clock, how many
-- Replies with how many were forgotten. The next job of that queue and task makes its list known again.
local forgotten = 0

local function is_empty(queue, task)
  for _, status in pairs(S) do
    if redis.call('EXISTS', K.listed(status, queue, task)) == 1 then return false end
  end
  return redis.call('EXISTS', K.ready(queue, task)) == 0
end

for _, member in ipairs(redis.call('SRANDMEMBER', K.lists(), tonumber(ARGV[2]))) do
  local _, queue, task = string.match(member, '^(.-):(.-):(.*)$')
  if is_empty(queue, task) then
    forgotten = forgotten + redis.call('SREM', K.lists(), member)
    redis.call('DEL', K.wake(queue, task))
  end
end
return forgotten
