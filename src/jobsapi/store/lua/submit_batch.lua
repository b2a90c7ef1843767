-- submit_batch: record jobs that are a batch, and put them where they wait, all of them in one step.
-- ARGV: clock, how long the remains of a job are kept that cannot run (ms), batch, what is told of it (JSON), then for
-- each job: id, number of pairs, field, value, … (with q and t among them, and bt, the batch)
-- Replies with what submit replies with, and refuses as it does; a batch that is sent again stays as it is.
-- include: records
-- include: submit
-- include: batch
local at, keep, batch = clock(), tonumber(ARGV[2]), ARGV[3]
local records, refusal = read_records(5)
if refusal then return refusal end
place(batch, 0, records)
local replies, own = submit(records, at, keep)
make_batch(batch, own, ARGV[4], at, keep)
return replies
