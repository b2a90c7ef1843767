-- retry: put an ended job back into its queue with a fresh set of attempts; its history stays.
-- ARGV: clock, id
-- Replies with the token whose outputs were removed ('' for none). Refuses with UNKNOWNJOB, WRONGSTATUS.
-- include: erase
local at, id = clock(), ARGV[2]
local job = fetch(id)
if not job then return unknown() end
if not is_ended(job) then return wrong_status(job) end
local outcome = redis.call('HGET', K.job(id), 'r') or 'complete'
remember(job, outcome, tonumber(redis.call('HGET', K.job(id), 'e')), 'A retry was asked for.')
redis.call('ZREM', K.retained(), id)
erase_outputs(job, at)
redis.call('HDEL', K.job(id), 'k', 'w', 'b', 'e', 'r', 'er', 'pg', 'cr', 'd', 'a', 'v', 'ds', 'rx')
redis.call('HSET', K.job(id), 's', S.submitted)
relist(job, S.submitted)
enqueue(job)
return job.token or ''
