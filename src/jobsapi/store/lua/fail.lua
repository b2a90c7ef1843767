-- fail: the claim's holder records a run that ended without a result. The job ends with it, or waits for its next
-- attempt where it has one left.
-- ARGV: clock, id, token, how long the job's remains are kept (ms), reason, error (JSON), how long to wait before the
-- next attempt (ms; '' : there shall be none)
-- Replies with 1, or 0 where this very claim's end is recorded already. Refuses with UNKNOWNJOB, NOTHOLDER.
-- include: settle
-- include: again
-- include: defer
local at, id, token, keep, reason = clock(), ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5]
local job = fetch(id)
if not job then return unknown() end
if job.token == token and job.status ~= S.in_progress and job.status ~= S.complete then return 0 end
if not is_held(job, token) then return not_holder() end
if ARGV[7] ~= '' and job.attempt < job.most_attempts and not job.cancel then
  remember(job, reason, at, '', ARGV[6])
  unclaim(job)
  redis.call('HDEL', K.job(id), 'w', 'b', 'pg') -- the token stays: this call may come again
  defer(job, at + tonumber(ARGV[7]))
else
  if ARGV[6] ~= '' then redis.call('HSET', K.job(id), 'er', ARGV[6]) end
  settle(job, reason == 'cancelled' and S.cancelled or S.failed, reason, at, keep)
end
return 1
