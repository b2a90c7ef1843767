-- data_drop: remove a superseded generation whose time has come, and the segments that no other generation has.
-- ARGV: clock, data set, generation
-- Replies with 1, or 0 where it was used in the meantime.
local at, dataset, generation = clock(), ARGV[2], ARGV[3]
local member = dataset .. ':' .. generation
if tonumber(redis.call('ZSCORE', K.superseded(), member) or math.huge) > at then return 0 end
for segment in string.gmatch(redis.call('HGET', K.generation(dataset, generation), 's') or '', '%S+') do
  if redis.call('HINCRBY', K.segment_uses(dataset), segment, -1) == 0 then
    redis.call('HDEL', K.segment_uses(dataset), segment)
    redis.call('UNLINK', K.segment(dataset, segment))
  end
end
redis.call('UNLINK', K.generation(dataset, generation))
redis.call('ZREM', K.superseded(), member)
return 1
