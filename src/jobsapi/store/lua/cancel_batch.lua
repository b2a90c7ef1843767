-- cancel_batch: stop the next jobs of a batch that have not ended. Those of others that stand for some of it go on.
-- ARGV: clock, batch, the place to begin at, how many to look at, how long the jobs' remains are kept (ms)
-- Replies with the place to go on at, -1 at the end.
-- include: cancel
-- include: room
local at, batch, start, most, keep = clock(), ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
needs_no_room()
local members = redis.call('ZRANGEBYSCORE', K.batched(batch), start, '+inf', 'WITHSCORES', 'LIMIT', 0, most)
for i = 1, #members, 2 do
  local job = fetch(members[i])
  if job and not is_ended(job) and job.status ~= S.staged and redis.call('HGET', K.job(job.id), 'bt') == batch then
    cancel(job, at, keep)
  end
end
return #members == 2 * most and members[#members] + 1 or -1
