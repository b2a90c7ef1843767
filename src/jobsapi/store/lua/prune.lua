-- prune: of ended jobs, remove the results first, the whole record later: of those whose time has come, and of the
-- oldest where there are too many, or their outputs too large.
-- ARGV: clock, how long records are kept (ms), how many at the most in this call, how many ended jobs are kept, how
-- many bytes of output beside the records (0 for any number)
-- Replies with id, token, … of the jobs whose outputs are gone now, and with nothing when nothing is due.
-- include: erase
local at, keep_record, left, removed = clock(), tonumber(ARGV[2]), tonumber(ARGV[3]), {}
local gone = 2 ^ 50 -- is added to the score of those whose results are removed: they are the oldest, and stand apart

local function each_of(ids, act)
  for _, id in ipairs(ids) do
    if left <= 0 then return end
    local job, parents = fetch(id), nil
    if job then parents = act(job) else redis.call('ZREM', K.retained(), id) end
    removed[#removed + 1] = id
    removed[#removed + 1] = job and job.token or ''
    left = left - 1 - math.floor((parents or 0) / 100) -- a job counts by how many it came after, too
  end
end

for _, batch in ipairs(redis.call('ZRANGEBYSCORE', K.borrowed(), '-inf', at, 'LIMIT', 0, left)) do
  forget_batch(batch)
  removed[#removed + 1] = batch
  removed[#removed + 1] = ''
end
left = left - #removed / 2

local function remove(job) return erase(job, at) end

local function remove_outputs(job)
  local last = tonumber(redis.call('HGET', K.job(job.id), 'e')) + keep_record
  if last <= at then return erase(job, at) end
  erase_outputs(job, at)
  redis.call('ZADD', K.retained(), gone + last, job.id)
end

local function between(low, high, most)
  return most > 0 and redis.call('ZRANGEBYSCORE', K.retained(), low, high, 'LIMIT', 0, most) or {}
end

each_of(between(gone, gone + at, left), remove)
each_of(between('-inf', at, left), remove_outputs)
local function too_many()
  return ARGV[4] ~= '0' and math.min(left, redis.call('ZCARD', K.retained()) - tonumber(ARGV[4])) or 0
end
each_of(between(gone, '+inf', too_many()), remove)
each_of(between('-inf', '(' .. gone, too_many()), remove)
while ARGV[5] ~= '0' and left > 0 and tonumber(redis.call('GET', K.output_bytes()) or 0) > tonumber(ARGV[5]) do
  local oldest = redis.call('ZRANGE', K.bulky(), 0, 0)
  if not oldest[1] then break end
  each_of(oldest, remove_outputs)
end
return removed
