-- complete: the holders of claims record the outputs and the end of their jobs, each once.
-- ARGV: clock, how long results are kept (ms), then for each job: id, token, descriptor of the outputs, the inline
-- output, how many bytes of output lie beside the record
-- Replies with, for each job, 1; 0 where this very claim had completed it already (a reply was lost and the call sent
-- again), or the word of a refusal: UNKNOWNJOB, NOTHOLDER. What is refused does not keep the others from their end.
-- include: settle
local at, keep, replies = clock(), tonumber(ARGV[2]), {}

-- What this script and `settle` need to know of a job: each field that is read costs time, and most jobs end here.
local function fetch_end(id)
  local v = redis.call('HMGET', K.job(id), 's', 't', 'q', 'n', 'k', 'kp', 'ky', 'ch', 'lg', 'wt', 'wh')
  return v[1] and {
    id = id, status = v[1], task = v[2], queue = v[3], number = v[4], token = v[5], keep = tonumber(v[6] or nil),
    key = v[7], has_children = v[8], group = v[9], is_awaited = v[10], webhook = v[11],
  }
end

local function complete(id, token, descriptor, inline, beside)
  local job = fetch_end(id)
  if not job then return 'UNKNOWNJOB' end
  if job.status == S.complete and job.token == token then return 0 end
  if not is_held(job, token) then return 'NOTHOLDER' end
  if beside ~= '0' then
    redis.call('HSET', K.job(id), 'ob', beside)
    redis.call('INCRBY', K.output_bytes(), beside)
    redis.call('ZADD', K.bulky(), at, id)
    redis.call('ZREM', K.unclaimed_outputs(), id .. ':' .. token)
  end
  if descriptor ~= '' then
    settle(job, S.complete, '', at, keep, 'v', inline, 'ds', descriptor)
  else
    settle(job, S.complete, '', at, keep, 'v', inline)
  end
  return 1
end

for i = 3, #ARGV, 5 do
  replies[#replies + 1] = complete(ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4])
end
return replies
