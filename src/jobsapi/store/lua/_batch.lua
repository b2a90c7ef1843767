-- Part of submit_batch, stage, commit and what includes erase: jobs that were sent together are a batch.

-- The jobs that stand at the batch's places from `first` on: its own, or ones that are active already. The same again
-- changes nothing.
local function place(batch, first, records)
  local command = { 'ZADD', K.batched(batch), 'NX' }
  for i, record in ipairs(records) do
    command[#command + 1] = first + i - 1
    command[#command + 1] = record.holder or record.id
  end
  redis.call(unpack(command))
end

-- A batch is known from here on. `own`: jobs that it brought. One that brought none is kept as long as results are.
local function make_batch(batch, own, info, at, keep)
  redis.call('HINCRBY', K.batch(batch), 'o', own)
  if redis.call('HSETNX', K.batch(batch), 'c', at) == 0 then return end
  redis.call('HSET', K.batch(batch), 'n', redis.call('ZCARD', K.batched(batch)), 'i', info)
  redis.call('ZADD', K.batches(), redis.call('INCR', K.sequence()), batch)
  if own == 0 then redis.call('ZADD', K.borrowed(), at + keep, batch) end
end

local function forget_batch(batch)
  redis.call('UNLINK', K.batch(batch), K.batched(batch))
  redis.call('ZREM', K.batches(), batch)
  redis.call('ZREM', K.borrowed(), batch)
end

-- A job of the batch's own is removed; with its last one the batch goes.
local function leave_batch(batch, id)
  redis.call('ZREM', K.batched(batch), id)
  if redis.call('HINCRBY', K.batch(batch), 'o', -1) <= 0 then forget_batch(batch) end
end
