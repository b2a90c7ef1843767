-- Part of loose: a batch that no list has, and a list of jobs that no batch has.

local function is_unlisted(batch, is_mending)
  if redis.call('ZSCORE', K.batches(), batch) then return false end
  if is_mending then redis.call('ZADD', K.batches(), redis.call('HGET', K.batch(batch), 'l'), batch) end
  return true
end

local function is_of_no_batch(batch, is_mending)
  if redis.call('EXISTS', K.batch(batch)) == 1 or redis.call('ZSCORE', K.staged(), batch) then return false end
  if is_mending then redis.call('UNLINK', K.batched(batch)) end
  return true
end
