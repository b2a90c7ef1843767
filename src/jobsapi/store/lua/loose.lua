-- loose: what was left of jobs that are gone, and what some job waits for but nobody was told to look at.
-- ARGV: clock, '1' to put it right, then for each: the name of its key, two values for the spelling ('' for none)
-- Replies with a number each: 1 where it is, or was, loose.
-- include: unlisted
-- include: leave
local at, is_mending, replies = clock(), ARGV[2] == '1', {}

local function note(index, member)
  if redis.call('ZSCORE', index, member) then return false end
  if is_mending then redis.call('ZADD', index, at, member) end
  return true
end

local function unheard_children(parent)
  local job = fetch(parent)
  if not job or is_ended(job) then
    local is_loose = note(K.settled(), parent)
    if is_loose and is_mending then redis.call('ZADD', K.stir(), 0, 'look') end
    return is_loose
  end
  if is_mending and not job.has_children then redis.call('HSET', K.job(parent), 'ch', 1) end
  return not job.has_children
end

-- Jobs of a limited group that wait for one of it to end, though none runs, and none is about to be claimed or to expire.
local function nobody_makes_room(group, queue)
  local is_known = redis.call('SISMEMBER', K.capped_queues(group), queue) == 1
  local first = redis.call('ZRANGE', K.capped(group, queue), 0, 0, 'WITHSCORES')
  local job = fetch(first[1])
  if not job or job.status ~= S.submitted or job.group ~= group then return false end -- its entry is a stray
  local is_moving = redis.call('EXISTS', K.running(group), K.ready(queue, job.task)) > 0
    or redis.call('ZCOUNT', K.expiring(), '-inf', at) > 0
  if is_mending and not is_known then redis.call('SADD', K.capped_queues(group), queue) end
  if is_mending and not is_moving then
    redis.call('ZREM', K.capped(group, queue), first[1])
    requeue(queue, job.task, first[1], first[2])
  end
  return not is_known or not is_moving
end

local function is_taken(id, token)
  local v = redis.call('HMGET', K.job(id), 's', 'k', 'rx')
  return v[1] == S.complete and v[2] == token and not v[3]
end

local function is_loose(name, one, two)
  local key = K[name](one, two)
  if redis.call('EXISTS', key) == 0 then return false end
  if name == 'children' then return unheard_children(one) end
  if name == 'capped' then return nobody_makes_room(one, two) end
  if name == 'batch' then return is_unlisted(one, is_mending) end
  if name == 'batched' then return is_of_no_batch(one, is_mending) end
  if name == 'stage' or name == 'committed' then return note(K.staged(), one) end
  if name == 'outputs' then return not is_taken(one, two) and note(K.unclaimed_outputs(), one .. ':' .. two) end
  if redis.call('EXISTS', K.job(one)) == 1 then return false end
  if is_mending then redis.call('UNLINK', key) end
  return true
end

for i = 3, #ARGV, 3 do replies[#replies + 1] = is_loose(ARGV[i], ARGV[i + 1], ARGV[i + 2]) and 1 or 0 end
return replies
