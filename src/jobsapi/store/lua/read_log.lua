-- read_log: a part of what a job wrote, by its place among all bytes of its log.
-- ARGV: clock, id, the first byte, the byte behind the last one ('' : to the end)
-- Replies with how many bytes the log has in all, the length of its head, how many bytes are left out behind that, what
-- of the head lies in the part, and what of the tail does.
local id, first = ARGV[2], tonumber(ARGV[3])
local v = redis.call('HMGET', K.job(id), 'lo', 'lt')
local head, left_out = redis.call('STRLEN', K.log(id)), tonumber(v[1] or 0)
local total = head + left_out + tonumber(v[2] or 0)
local last = math.min(tonumber(ARGV[4]) or total, total)
local from_head = first < math.min(head, last) and redis.call('GETRANGE', K.log(id), first, math.min(head, last) - 1) or ''
local found, at, seen = {}, total, 0 -- pieces of the tail, from its end on
while at > math.max(first, head + left_out) do
  local pieces = redis.call('LRANGE', K.log_tail(id), -seen - 100, -seen - 1)
  if not pieces[1] then break end
  for i = #pieces, 1, -1 do
    at = at - #pieces[i]
    found[#found + 1] = string.sub(pieces[i], math.max(0, first - at) + 1, math.max(0, last - at))
  end
  seen = seen + #pieces
end
local in_order = {}
for i = #found, 1, -1 do in_order[#in_order + 1] = found[i] end
return { total, head, left_out, from_head, table.concat(in_order) }
