-- batch: read the next jobs of a batch, in the order sent.
-- ARGV: clock, batch, the place to begin at, how many to look at, then the fields of a record to reply with
-- Replies with {the place to go on at (-1 at the end), place, id, {values}, place, id, {values}, …}; of large records
-- with fewer. A job that is removed has only false values.
local batch, start, most = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local fields, found, size = {}, {}, 0
for i = 5, #ARGV do fields[#fields + 1] = ARGV[i] end
local members = redis.call('ZRANGEBYSCORE', K.batched(batch), start, '+inf', 'WITHSCORES', 'LIMIT', 0, most)
for i = 1, #members, 2 do
  if size > 2 ^ 22 then return { tonumber(members[i + 1]), unpack(found) } end -- about 4 MiB
  local values = redis.call('HMGET', K.job(members[i]), unpack(fields))
  for _, value in ipairs(values) do size = size + #(value or '') end
  found[#found + 1] = tonumber(members[i + 1])
  found[#found + 1] = members[i]
  found[#found + 1] = values
end
return { #members == 2 * most and members[#members] + 1 or -1, unpack(found) }
