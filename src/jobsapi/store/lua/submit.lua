-- submit: record jobs and put them where they wait, all of them in one step. At most a few hundred a call.
-- ARGV: clock, how long the remains of a job are kept that cannot run (ms), then for each job: id, number of pairs, field, value, …
-- Replies with the time of creation, ms, then for each job its status, or the id of the active job that stands for it.
-- A job whose id is known already is the same job sent again, and stays. Refuses with KEYTAKEN.
if ARGV[9] == 'p' and #ARGV == 4 + 2 * ARGV[4] then -- one job that asks for nothing: it needs none of the parts below
  local at, id = clock(), ARGV[3]
  local known = redis.call('HGET', K.job(id), 's')
  if known then return { at, known } end
  local number = redis.call('INCR', K.sequence())
  redis.call('HSET', K.job(id), 'c', at, 's', S.submitted, 'n', number, unpack(ARGV, 5))
  redis.call('ZADD', K.ready(ARGV[6], ARGV[8]), 100 * 2 ^ 44 + number, id)
  wake(ARGV[6], ARGV[8])
  note_moved(id)
  return { at, S.submitted }
end
-- include: records
-- include: submit
local records, refusal = read_records(3)
if refusal then return refusal end
return (submit(records, clock(), tonumber(ARGV[2]), function() return redis.call('INCR', K.sequence()) end))
