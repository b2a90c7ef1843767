-- admit: let the next jobs of a committed submit into their queues; a stage that was never committed is dropped.
-- ARGV: clock, batch, how many at the most, how long the remains of a job are kept that cannot run (ms)
-- Replies with how many jobs of the batch are left to do.
-- include: admit
-- include: cached
local at, batch, most = clock(), ARGV[2], tonumber(ARGV[3])
local committed = redis.call('GET', K.committed(batch))
local budget = 10 * most -- a job counts by how many it waits for, too

-- Jobs that differ only in id and parameters: the list holds their places in order, so no record need be read.
local function admit_alike(queue, task, priority)
  local last, left = redis.call('HGET', K.batch(batch), 'l'), redis.call('LLEN', K.stage(batch))
  local before = tonumber(last or left) - left
  local score, is_told = (100 - priority) * 2 ^ 44 + before, is_watched()
  local queued = { 'ZADD', K.ready(queue, task) }
  for i, id in ipairs(redis.call('LPOP', K.stage(batch), most) or {}) do
    redis.call('HSET', K.job(id), 's', S.submitted, 'n', before + i)
    queued[2 * i + 1], queued[2 * i + 2] = score + i, id
    if is_told then note_moved(id) end
  end
  if not queued[3] then return end
  redis.call(unpack(queued))
  wake(queue, task)
end

local function write(record, _, status, number) redis.call('HSET', K.job(record.id), 's', status, 'n', number) end

local function take(id, before)
  local values, fields = redis.call('HMGET', K.job(id), 'q', 't', 'n', unpack(names)), {}
  for i, name in ipairs(names) do fields[name] = values[i + 3] or nil end
  budget = budget - 10
  if committed then
    local record = { id = id, queue = values[1], task = values[2], fields = fields }
    admit(record, before + values[3], at, tonumber(ARGV[4]), write)
    budget = budget - #(fields.af or '') / 21 - #(fields.ay or '') / 21
  else
    if fields.ky then redis.call('DEL', K.keyed(fields.ky)) end
    answer_no_more(fields.ck, id)
    redis.call('UNLINK', K.job(id))
  end
end

local queue, task, priority = string.match(committed or '', '^%d+ (%S+) (%S+) (%S+)$')
if queue then
  admit_alike(queue, task, tonumber(priority))
else
  local before = tonumber(redis.call('HGET', K.batch(batch), 'f') or 0)
  while budget > 0 do -- what is dropped goes from the end: the rest are still the first places of the list
    local id = redis.call(committed and 'LPOP' or 'RPOP', K.stage(batch))
    if not id then break end
    take(id, before)
  end
end
local left = redis.call('LLEN', K.stage(batch))
if left == 0 then
  redis.call('ZREM', K.staged(), batch)
  redis.call('DEL', K.committed(batch))
  if redis.call('EXISTS', K.batch(batch)) == 0 then redis.call('UNLINK', K.batched(batch)) end
else
  redis.call('ZADD', K.staged(), at, batch)
end
return left
