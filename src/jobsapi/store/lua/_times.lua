-- Part of list: jobs by when they were made. Who has the higher number was made later, so that a few looks find where a
-- time lies in a list.

-- ms by which that may be wrong: jobs of a large submit are made as they are sent, and numbered when it is accepted.
local slack = 60000

local function is_made_in_time(made, since, till)
  made = tonumber(made or 0)
  return (not since or made >= since) and (not till or made <= till)
end

-- The first place from `first` on, before `behind`, of a job that was made at that time or later.
local function place_of(key, first, behind, time)
  while first < behind do
    local middle = math.floor((first + behind) / 2)
    local made = redis.call('HGET', K.job(redis.call('ZRANGE', key, middle, middle)[1]), 'c')
    if tonumber(made or 0) >= time then behind = middle else first = middle + 1 end
  end
  return first
end

-- Let each list begin and end where these times lie.
local function narrow(since, till)
  for _, source in ipairs(sources) do
    local key = source.key
    local first = redis.call('ZCARD', key) - redis.call('ZCOUNT', key, source.from, '+inf')
    local behind = redis.call('ZCOUNT', key, '-inf', source.to)
    if since then first = place_of(key, first, behind, since - slack) end
    if till then behind = place_of(key, first, behind, till + slack + 1) end
    source.is_open = first < behind
    if source.is_open then
      source.from = redis.call('ZRANGE', key, first, first, 'WITHSCORES')[2]
      source.to = redis.call('ZRANGE', key, behind - 1, behind - 1, 'WITHSCORES')[2]
    end
  end
end
