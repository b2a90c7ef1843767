-- log: append to a job's log; of one that is too long the head and the tail are kept.
-- ARGV: clock, id, token, how much is kept (bytes), text
-- Replies with 1. Refuses with UNKNOWNJOB, NOTHOLDER. Fields of the job: lt bytes in the tail, lo bytes left out.
local id, half, text = ARGV[2], math.floor(tonumber(ARGV[4]) / 2), ARGV[5]
local job = fetch(id)
if not job then return unknown() end
if not is_held(job, ARGV[3]) then return not_holder() end
local room = half - redis.call('STRLEN', K.log(id))
if room > 0 then
  redis.call('APPEND', K.log(id), string.sub(text, 1, room))
  text = string.sub(text, room + 1)
end
if text ~= '' then
  redis.call('RPUSH', K.log_tail(id), text)
  local size = redis.call('HINCRBY', K.job(id), 'lt', #text)
  while size > half do
    local dropped = #redis.call('LPOP', K.log_tail(id))
    redis.call('HINCRBY', K.job(id), 'lo', dropped)
    size = redis.call('HINCRBY', K.job(id), 'lt', -dropped)
  end
end
return 1
