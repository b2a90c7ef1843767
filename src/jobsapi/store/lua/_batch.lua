-- Part of submit_batch, stage, commit and what includes erase: jobs that were sent together are a batch. Its own jobs have
-- numbers in the order of their places, which are kept for them: so no index of them is needed.

-- The number before that of the first place. A batch that is not known gets it now, with those of all its places.
local function before_first(batch, places)
  local before = redis.call('HGET', K.batch(batch), 'f')
  return tonumber(before) or redis.call('INCRBY', K.sequence(), places) - places
end

-- Jobs that were there before stand at some of the batch's places from `first` on. The same again changes nothing.
local function borrow(batch, first, records)
  for i, record in ipairs(records) do
    if record.holder and redis.call('HGET', K.job(record.holder), 'bt') ~= batch then
      redis.call('ZADD', K.batched(batch), 'NX', first + i - 1, record.holder)
    end
  end
end

-- A batch is known from here on. `own`: jobs that it brought; `before`, `last`: the numbers before its first place and of
-- its last one. One that brought no job is kept as long as results are.
local function make_batch(batch, own, before, last, info, at, keep)
  redis.call('HINCRBY', K.batch(batch), 'o', own)
  if redis.call('HSETNX', K.batch(batch), 'c', at) == 0 then return end
  local total = own + redis.call('ZCARD', K.batched(batch))
  redis.call('HSET', K.batch(batch), 'n', total, 'i', info, 'f', before, 'l', last)
  redis.call('ZADD', K.batches(), last, batch)
  if own == 0 then redis.call('ZADD', K.borrowed(), at + keep, batch) end
end

local function forget_batch(batch)
  redis.call('UNLINK', K.batch(batch), K.batched(batch))
  redis.call('ZREM', K.batches(), batch)
  redis.call('ZREM', K.borrowed(), batch)
end

-- A job of the batch's own is removed; with its last one the batch goes.
local function leave_batch(batch)
  if redis.call('HINCRBY', K.batch(batch), 'o', -1) <= 0 then forget_batch(batch) end
end
