-- Part of claim: what a worker is told of the jobs it is given.
local claimed = {}
local told = { 'p', 'a', 'to', 'b', 'mm', 'bo', 'af', 'ay' }

-- `v`: the values of `told`.
local function give(id, token, task, v, attempt, at)
  claimed[#claimed + 1] = { id, token, task, v[1], attempt, v[3], at, v[5], v[6], v[7], v[8] }
end

-- The jobs of the worker's last claim that it still holds, where that claim was made under this token: it is sent
-- again. Else nothing.
local function give_again(worker, token)
  local last_token, last_ids = string.match(redis.call('GET', K.last_claim(worker)) or '', '^(%S+)(.*)$')
  if last_token ~= token then return nil end
  for id in string.gmatch(last_ids, '%S+') do
    local job = fetch(id)
    if job and job.status == S.in_progress and string.find(job.token, token, 1, true) == 1 then
      give(id, job.token, job.task, redis.call('HMGET', K.job(id), unpack(told)), job.attempt, job.began)
    end
  end
  return claimed
end

-- A job of this line is in progress; `till`: when its lease runs out.
local function note_claimed(line, queue, number, id, till)
  if not line.started then
    later('SADD', K.lists(), S.in_progress .. ':' .. queue .. ':' .. line.task)
    line.started = words_of('ZADD', K.listed(S.in_progress, queue, line.task))
  end
  note_moved(id)
  local started = line.started
  started[#started + 1] = number
  started[#started + 1] = id
  later('ZADD', K.leases(), till, id)
end

-- `ids`: of the jobs that were given out; `waited`: ms, by them together.
local function note_claim(worker, token, ids, lease, waited)
  redis.call('SET', K.last_claim(worker), token .. ' ' .. table.concat(ids, ' '), 'PX', lease)
  redis.call('HINCRBY', K.waits(), 'n', #claimed)
  redis.call('HINCRBY', K.waits(), 'ms', waited)
end
