-- log: append to a job's log; of one that is too long the head and the tail are kept.
-- ARGV: clock, id, token, how much is kept (bytes), how much of its log this claim sent before (bytes), text
-- What comes again, because a reply was lost, is left out.
-- Replies with 1. Refuses with UNKNOWNJOB, NOTHOLDER. Fields of the job: lt bytes in the tail, lo bytes left out,
-- lh the claim that wrote last and how much of it came (bytes).
local id, token, half, at, text = ARGV[2], ARGV[3], math.floor(tonumber(ARGV[4]) / 2), tonumber(ARGV[5]), ARGV[6]
local job = fetch(id)
if not job then return unknown() end
if not is_held(job, token) then return not_holder() end
local whose, count = string.match(redis.call('HGET', K.job(id), 'lh') or '', '^(%S+) (%d+)$')
local heard = whose == token and tonumber(count) or 0
if at + #text <= heard then return 1 end
redis.call('HSET', K.job(id), 'lh', token .. ' ' .. at + #text)
text = string.sub(text, math.max(0, heard - at) + 1)
local length = redis.call('STRLEN', K.log(id))
if is_watched() then -- of the text itself only its place: what is kept of it is kept once
  local v = redis.call('HMGET', K.job(id), 'lo', 'lt')
  tell('l', id, length + (v[1] or 0) + (v[2] or 0) .. ' ' .. #text)
end
local room = half - length
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
