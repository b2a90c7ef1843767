-- Part of list, batch and cancel_batch: the jobs of many lists in the order of their numbers.
-- include: lists

-- Read on in one list: a piece at a time, so that merging many lists stays as cheap as the page is long. `head`: the
-- number of its next job, nil at its end.
local function advance(source)
  source.at = source.at + 2
  if source.at > #source.ids and source.is_open then
    local a, b = source.from, source.to
    if order == 1 then
      source.ids = redis.call('ZRANGE', source.key, a, b, 'BYSCORE', 'LIMIT', 0, step, 'WITHSCORES')
    else
      source.ids = redis.call('ZRANGE', source.key, b, a, 'BYSCORE', 'REV', 'LIMIT', 0, step, 'WITHSCORES')
    end
    source.at, source.is_open = 1, #source.ids == 2 * step
    if source.is_open then source[order == 1 and 'from' or 'to'] = '(' .. source.ids[#source.ids] end
  end
  local score = source.ids[source.at + 1]
  source.head = score and tonumber(score) - source.base
end

local function sift(i)
  local first = i
  for child = 2 * i, 2 * i + 1 do
    if sources[child] and order * sources[child].head < order * sources[first].head then first = child end
  end
  if first == i then return end
  sources[i], sources[first] = sources[first], sources[i]
  return sift(first)
end

local function start_merge()
  local filled = {}
  for _, source in ipairs(sources) do
    advance(source)
    if source.head then filled[#filled + 1] = source end
  end
  sources = filled
  for i = math.floor(#sources / 2), 1, -1 do sift(i) end
end

-- The next job's id and number, and the list it stands in; nil at the end.
local function next_job()
  local first = sources[1]
  if not first then return nil end
  local id, number = first.ids[first.at], first.head
  advance(first)
  if not first.head then
    sources[1] = sources[#sources]
    sources[#sources] = nil
  end
  if sources[1] then sift(1) end
  return id, number, first
end
