-- renew: a worker still runs these jobs; also revives a lease that ran out and was not taken yet.
-- ARGV: clock, lease (ms), then for each job: id, token
-- Replies with a number a job: 1 renewed, 2 renewed and a cancel was asked for, 0 no longer this claim's.
-- include: room
local at, lease, replies = clock(), tonumber(ARGV[2]), {}
needs_no_room()
for i = 3, #ARGV, 2 do
  local job = fetch(ARGV[i])
  if job and is_held(job, ARGV[i + 1]) then
    redis.call('ZADD', K.leases(), at + lease, ARGV[i])
    replies[#replies + 1] = job.cancel and 2 or 1
  else
    replies[#replies + 1] = 0
  end
end
return replies
