-- Part of claim: what a worker is told of the jobs it is given.
local claimed = {}

local function give(id, token)
  local v = redis.call('HMGET', K.job(id), 't', 'p', 'a', 'to', 'b', 'mm', 'bo', 'af', 'ay')
  claimed[#claimed + 1] = { id, token, v[1], v[2], tonumber(v[3]), v[4], tonumber(v[5]), v[6], v[7], v[8], v[9] }
end

-- The jobs of the worker's last claim that it still holds, where that claim was made under this token: it is sent
-- again. Else nothing.
local function give_again(worker, token)
  local last_token, last_ids = string.match(redis.call('GET', K.last_claim(worker)) or '', '^(%S+)(.*)$')
  if last_token ~= token then return nil end
  for id in string.gmatch(last_ids, '%S+') do
    local job = fetch(id)
    if job and job.status == S.in_progress and string.find(job.token, token, 1, true) == 1 then give(id, job.token) end
  end
  return claimed
end
