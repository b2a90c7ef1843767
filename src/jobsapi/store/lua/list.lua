-- list: a page of jobs, newest first, merged from the lists that fit the filter; those of a batch by their places in it.
-- ARGV: clock, below which number ('+inf' for the first page), how many, status, queue, task, tag, batch ('' for any),
-- then the fields of a record to reply with
-- Replies with {total (-1: not known), the number to go on below ('' at the end), id, {values}, id, {values}, …}
-- include: heap
local below, most, status, queue, task, tag = ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5], ARGV[6], ARGV[7]
local batch, fields, found, sources, total = ARGV[8], {}, {}, {}, 0
for i = 9, #ARGV do fields[#fields + 1] = ARGV[i] end
local index = batch ~= '' and K.batched(batch) or tag ~= '' and K.tagged(tag)
local function fits(wanted, value) return wanted == '' or wanted == value end
local function has_tag(tags) return tag == '' or string.find(' ' .. (tags or '') .. ' ', ' ' .. tag .. ' ', 1, true) end

-- Read on in one list: a piece at a time, so that merging many lists stays as cheap as the page is long. `head`: the
-- number of its next job, nil at its end.
local function advance(source)
  source.at = source.at + 2
  if source.at > #source.ids and source.below then
    source.ids = redis.call('ZREVRANGEBYSCORE', source.key, source.below, '-inf', 'WITHSCORES', 'LIMIT', 0, source.step)
    source.at, source.below = 1, #source.ids > 0 and '(' .. source.ids[#source.ids] or nil
  end
  source.head = tonumber(source.ids[source.at + 1])
end

local function add(key)
  sources[#sources + 1] = { key = key, below = below == '+inf' and below or '(' .. below, ids = {}, at = -1 }
  total = total + redis.call('ZCARD', key)
end

if index then
  local own = batch ~= '' and redis.call('HGET', K.batch(batch), 'o')
  if own ~= false or batch == '' then add(index) end -- a batch that is not accepted yet is none
  if own and tonumber(own) ~= total then total = -1 end -- others stand for some of it: nobody says when those go
else
  for _, member in ipairs(redis.call('SMEMBERS', K.lists())) do
    local s, q, t = string.match(member, '^(.-):(.-):(.*)$')
    if fits(status, s) and fits(queue, q) and fits(task, t) then add(K.listed(s, q, t)) end
  end
end
local heap = {}
for _, source in ipairs(sources) do
  source.step = math.ceil(most / #sources) + 4
  advance(source)
  if source.head then heap[#heap + 1] = source end
end
heapify(heap)

local last, looked, size = '', 0, 0 -- of large jobs a page holds fewer: about 16 MiB
while #found < 2 * most and looked < 5000 and size < 2 ^ 24 do
  local best = heap[1]
  if not best then return { total, '', unpack(found) } end
  local id = best.ids[best.at]
  last, looked = best.ids[best.at + 1], looked + 1
  local v = index and redis.call('HMGET', K.job(id), 's', 'q', 't', 'tg') or { status, queue, task }
  if fits(status, v[1]) and fits(queue, v[2]) and fits(task, v[3]) and (not index or has_tag(v[4])) then
    local values = redis.call('HMGET', K.job(id), unpack(fields))
    for _, value in ipairs(values) do size = size + #(value or '') end
    found[#found + 1] = id
    found[#found + 1] = values
  end
  advance(best)
  if not best.head then
    heap[1] = heap[#heap]
    heap[#heap] = nil
  end
  if heap[1] then sift(heap, 1) end
end
return { total, last, unpack(found) }
