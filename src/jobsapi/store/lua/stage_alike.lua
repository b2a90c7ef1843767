-- stage_alike: as stage, of jobs that differ only in id and parameters, ask for nothing that `stage` or `admit` looks at
-- but a priority, and are all that their submit brings. Its list then holds the places in order, from the first on.
-- ARGV: clock, batch, the place of the first of them in the list, number of pairs, field, value, … that all have in
-- common, then for each job: id, parameters
-- Replies with the time of creation, ms. A job that is sent again is counted once. Refuses with LOSTSTAGE where jobs before
-- these are missing.
local at, batch, before, last = clock(), ARGV[2], tonumber(ARGV[3]), 4 + 2 * ARGV[4]
local keys, known = {}, 0
for i = last + 1, #ARGV, 2 do keys[#keys + 1] = K.job(ARGV[i]) end
if redis.call('EXISTS', unpack(keys)) > 0 then -- sent again
  while keys[known + 1] and redis.call('EXISTS', keys[known + 1]) == 1 do known = known + 1 end
end
if keys[known + 1] and redis.call('LLEN', K.stage(batch)) ~= before + known then
  if redis.call('EXISTS', K.batch(batch)) == 1 then return at end -- it was accepted, and some of it removed since
  return redis.error_reply('LOSTSTAGE The submit took too long and was dropped; nothing of it was recorded.')
end
local record = { 'HSET', '', 'c', string.format('%.0f', at), 's', S.staged, 'n', 0, 'p', '', unpack(ARGV, 5, last) }
local staged = { 'RPUSH', K.stage(batch) }
for i = known + 1, #keys do
  record[2], record[8], record[10] = keys[i], before + i, ARGV[last + 2 * i]
  redis.call(unpack(record))
  staged[#staged + 1] = ARGV[last + 2 * i - 1]
end
if staged[3] then redis.call(unpack(staged)) end
redis.call('ZADD', K.staged(), at, batch)
return at
