-- cancel_batch: stop the next jobs of a batch that have not ended. Those of others that stand for some of it go on.
-- ARGV: clock, batch, the place to begin at, how many to look at, how long the jobs' remains are kept (ms)
-- Replies with the place to go on at, -1 at the end.
-- include: cancel
-- include: room
-- include: merge
local at, batch, start, most, keep = clock(), ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local known = redis.call('HMGET', K.batch(batch), 'f', 'l')
if not known[1] then return -1 end
needs_no_room()
local first = known[1] + 1
order, step, low, high = 1, most, string.format('%.0f', first + start), known[2]
add_lists(function(status) return not is_ended({ status = status }) end)
start_merge()
for _ = 1, most do
  local id, number = next_job()
  if not id then return -1 end
  cancel(fetch(id), at, keep)
  start = number - first + 1
end
return start
