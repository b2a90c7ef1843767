-- admit: let the next jobs of a committed submit into their queues; a stage that was never committed is dropped.
-- ARGV: clock, batch, how many at the most, how long the remains of a job are kept that cannot run (ms)
-- Replies with how many jobs of the batch are left to do.
-- include: admit
-- include: cached
local at, batch, most = clock(), ARGV[2], tonumber(ARGV[3])
local is_committed = redis.call('EXISTS', K.committed(batch)) == 1
local before = tonumber(redis.call('HGET', K.batch(batch), 'f') or 0)
local budget = 10 * most -- a job counts by how many it waits for, too

local function write(record, _, status, number) redis.call('HSET', K.job(record.id), 's', status, 'n', number) end

local function take(id)
  local values, fields = redis.call('HMGET', K.job(id), 'q', 't', 'n', unpack(names)), {}
  for i, name in ipairs(names) do fields[name] = values[i + 3] or nil end
  if is_committed then
    local record = { id = id, queue = values[1], task = values[2], fields = fields }
    admit(record, before + values[3], at, tonumber(ARGV[4]), write)
    budget = budget - 10 - #(fields.af or '') / 21 - #(fields.ay or '') / 21
  else
    if fields.ky then redis.call('DEL', K.keyed(fields.ky)) end
    answer_no_more(fields.ck, id)
    redis.call('UNLINK', K.job(id))
    budget = budget - 10
  end
end

while budget > 0 do
  local id = redis.call('LPOP', K.stage(batch))
  if not id then break end
  take(id)
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
