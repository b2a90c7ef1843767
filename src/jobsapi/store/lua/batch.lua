-- batch: read the next jobs of a batch, in the order sent; those that are not let in yet are left out.
-- ARGV: clock, batch, the place to begin at, how many to look at, then the fields of a record to reply with
-- Replies with {the place to go on at (-1 at the end), place, id, {values}, place, id, {values}, …}; of large records
-- with fewer. A job that stood for one of it and is removed has only false values.
-- include: merge
local batch, start, most = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local fields, found, size = {}, {}, 0
for i = 5, #ARGV do fields[#fields + 1] = ARGV[i] end
local known = redis.call('HMGET', K.batch(batch), 'f', 'l')
if not known[1] then return { -1 } end
local first = known[1] + 1
order, step = 1, most
add_batch(batch, first, tonumber(known[2]), start, function() return true end)
start_merge()
while #found < 3 * most do
  local id, number = next_job()
  if not id then return { -1, unpack(found) } end
  if size > 2 ^ 22 then return { number - first, unpack(found) } end -- about 4 MiB
  local values = redis.call('HMGET', K.job(id), unpack(fields))
  for _, value in ipairs(values) do size = size + #(value or '') end
  found[#found + 1] = number - first
  found[#found + 1] = id
  found[#found + 1] = values
end
return { found[#found - 2] + 1, unpack(found) }
