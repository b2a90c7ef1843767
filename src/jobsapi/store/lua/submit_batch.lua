-- submit_batch: record jobs that are a batch, and put them where they wait, all of them in one step.
-- ARGV: clock, how long the remains of a job are kept that cannot run (ms), batch, what is told of it (JSON), then for
-- each job: id, number of pairs, field, value, …
-- Replies with what submit replies with, and refuses as it does; a batch that is sent again stays as it is.
-- include: records
-- include: submit
-- include: batch
local at, keep, batch = clock(), tonumber(ARGV[2]), ARGV[3]
local records, refusal = read_records(5, batch)
if refusal then return refusal end
local before = before_first(batch, #records)
local replies, own = submit(records, at, keep, function(place) return before + place end)
borrow(batch, 0, records)
make_batch(batch, own, before, before + #records, ARGV[4], at, keep)
return replies
