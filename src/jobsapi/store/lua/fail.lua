-- fail: the claim's holder records that the job ended without a result.
-- ARGV: clock, id, token, how long the job's remains are kept (ms), reason, error (JSON)
-- Replies with 1, or 0 where this very claim had ended it already. Refuses with UNKNOWNJOB, NOTHOLDER.
local at, id, token, keep, reason = clock(), ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5]
local job = fetch(id)
if not job then return unknown() end
if is_ended(job) and job.status ~= S.complete and job.token == token then return 0 end
if not is_held(job, token) then return not_holder() end
if ARGV[6] ~= '' then redis.call('HSET', K.job(id), 'er', ARGV[6]) end
settle(job, reason == 'cancelled' and S.cancelled or S.failed, reason, at, keep)
return 1
