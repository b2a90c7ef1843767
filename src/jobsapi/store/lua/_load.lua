-- Part of the scripts of data sets: who loads, and how what nobody uses is removed.
local function busy() return redis.error_reply('DATASETBUSY Another load of this data set is running.') end
local function holds(dataset, token) return redis.call('GET', K.load_lock(dataset)) == token end

-- Let a load's lock go, and take away the segments it wrote that no generation has.
local function close_load(dataset, token)
  if holds(dataset, token) then redis.call('DEL', K.load_lock(dataset)) end
  for _, segment in ipairs(redis.call('SMEMBERS', K.load_segments(dataset, token))) do
    if redis.call('HEXISTS', K.segment_uses(dataset), segment) == 0 then
      redis.call('UNLINK', K.segment(dataset, segment))
    end
  end
  redis.call('DEL', K.load_segments(dataset, token))
  redis.call('ZREM', K.loads(), dataset .. ':' .. token)
end
