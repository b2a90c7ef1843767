-- data_commit: what a load made becomes the data set's current generation, and the load is over.
-- ARGV: clock, data set, token, the generation it was built on ('' for none), the new one ('' for none: the set is
-- empty), how long the old one stays at the least (ms), manifest, its segments, between blanks
-- Replies with 1; again 1 where this very commit was heard before. Refuses with DATASETBUSY.
-- include: load
local at, dataset, token, base, new = clock(), ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local keep, manifest, segments = tonumber(ARGV[6]), ARGV[7], ARGV[8]
if new ~= '' and redis.call('EXISTS', K.generation(dataset, new)) == 1 then return 1 end
local current = redis.call('HGET', K.datasets(), dataset) or ''
if not holds(dataset, token) then
  if new == '' and current == '' then return 1 end
  return busy()
end
if current ~= base then return busy() end
if new == '' then
  redis.call('HDEL', K.datasets(), dataset)
else
  redis.call('HSET', K.generation(dataset, new), 'm', manifest, 's', segments)
  redis.call('HSET', K.datasets(), dataset, new)
end
for segment in string.gmatch(segments, '%S+') do redis.call('HINCRBY', K.segment_uses(dataset), segment, 1) end
if base ~= '' then
  redis.call('HSET', K.generation(dataset, base), 'e', at)
  redis.call('ZADD', K.superseded(), at + keep, dataset .. ':' .. base)
end
close_load(dataset, token)
return 1
