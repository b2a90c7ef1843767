-- prune: of ended jobs, remove the results first, the whole record later: of those whose time has come, and of the
-- oldest where there are too many, or their outputs too large.
-- ARGV: clock, how long results are kept (ms), how long records are kept (ms), how many at the most in this call, how
-- many ended jobs are kept, how many bytes of output beside the records (0 for any number)
-- Replies with 1 where there is more to look at, else 0, then id, token, … of the jobs whose outputs are gone now.
-- include: erase
local at, keep, keep_record, left = clock(), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local removed, erased = { 0 }, 0 -- erased: how many jobs still stand in their lists until this call ends
-- include: ended
local pause = math.min(60000, keep / 100) -- until a group is looked at again whose next job is due soon

for _, batch in ipairs(redis.call('ZRANGEBYSCORE', K.borrowed(), '-inf', at, 'LIMIT', 0, left)) do
  forget_batch(batch)
  removed[#removed + 1] = batch
  removed[#removed + 1] = ''
  left = left - 1
end

local function remove_due(index, is_bare, act)
  while left > 0 and looks > 0 do
    local group = redis.call('ZRANGEBYSCORE', index, '-inf', at, 'LIMIT', 0, 1)[1]
    if not group then return end
    local next
    for _, each in ipairs(ended_of(group, is_bare, is_bare and keep_record or keep)) do
      if each.due > at or left <= 0 then
        next = each.due
        break
      end
      touch(each.id, act)
    end
    if not next or next > at then redis.call('ZREM', index, group) end -- first: a full store would refuse to add
    if next and next > at then redis.call('ZADD', index, math.max(next, at + pause), group) end
  end
end

local function remove_surplus(index, is_bare)
  local surplus = count_ended() - erased - tonumber(ARGV[5])
  while surplus > 0 and left > 0 and looks > 0 do
    local group = redis.call('ZRANGE', index, 0, 0)[1]
    if not group then return end
    for _, each in ipairs(ended_of(group, is_bare, is_bare and keep_record or keep)) do
      if surplus == 0 or left <= 0 then return end
      touch(each.id, remove)
      surplus = surplus - 1
    end
    redis.call('ZREM', index, group)
  end
end

remove_due(K.bare(), true, remove)
remove_due(K.retained(), false, remove_outputs)
if ARGV[5] ~= '0' then
  remove_surplus(K.bare(), true)
  remove_surplus(K.retained(), false)
end
while ARGV[6] ~= '0' and left > 0 and tonumber(redis.call('GET', K.output_bytes()) or 0) > tonumber(ARGV[6]) do
  local oldest = redis.call('ZRANGE', K.bulky(), 0, 0)[1]
  if not oldest then break end
  touch(oldest, remove_outputs)
end
if looks == 0 then removed[1] = 1 end
return removed
