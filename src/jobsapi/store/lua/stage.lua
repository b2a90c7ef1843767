-- stage: write the records of a part of a large submit, which no list and no queue shows yet; their keys are held.
-- ARGV: clock, batch, the place of the first of them in the list, then for each job: id, number of pairs, field, value, …
-- Replies with the ids of the active jobs that stand for some of them, '' for the others. A job that is sent again is
-- counted once. Refuses with KEYTAKEN. A staged record's n is its place, counted from 1.
-- include: records
-- include: batch
local at, batch, first, replies = clock(), ARGV[2], tonumber(ARGV[3]), {}
local records, refusal = read_records(4, batch)
if refusal then return refusal end
for i, record in ipairs(records) do
  if not record.known and not record.holder then
    write_record(record, at, S.staged, first + i)
    later('RPUSH', K.stage(batch), record.id)
  end
  replies[i] = record.holder or ''
end
borrow(batch, first, records)
redis.call('ZADD', K.staged(), at, batch)
return replies
