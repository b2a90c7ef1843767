-- retry: put an ended job back into its queue with a fresh set of attempts; its story stays.
-- ARGV: clock, id, a name of this call
-- Replies with the token whose outputs were removed ('' for none). Refuses with UNKNOWNJOB, WRONGSTATUS, KEYTAKEN.
-- include: erase
-- include: heard
-- include: keyed
-- include: again
local at, id = clock(), ARGV[2]
local job = fetch(id)
if not job then return unknown() end
if was_heard(id, ARGV[3]) then return '' end
if not is_ended(job) then return wrong_status(job) end
if holder(job.key) ~= '' then return key_taken(holder(job.key)) end
if job.key then redis.call('SET', K.keyed(job.key), id) end
local cached = redis.call('HGET', K.job(id), 'ck')
if cached and not answering(cached, nil, at) then answer_from_now(cached, id) end
local last_told = redis.call('LINDEX', K.history(id), -1)
if job.began and not (last_told and string.find(last_told, job.token, 1, true)) then
  local v = redis.call('HMGET', K.job(id), 'r', 'e', 'er')
  remember(job, v[1] or 'complete', tonumber(v[2]), 'A retry was asked for.', v[3])
end
if job.webhook then redis.call('ZREM', K.webhooks(), id) end -- its next end is told
redis.call('DEL', K.waited(id)) -- the word of its last end would wake those who wait for the next one
erase_outputs(job, at)
redis.call('HDEL', K.job(id), 'k', 'w', 'b', 'e', 'r', 'er', 'pg', 'cr', 'd', 'a', 'ra', 'xa', 'pn', 'rx',
  'ht', 'hs', 'he')
redis.call('HSET', K.job(id), 's', S.submitted, 'rq', ARGV[3])
enqueue(job)
return job.token or ''
