-- list: a page of jobs, newest first, merged from the lists that fit the filter.
-- ARGV: clock, below which number ('+inf' for the first page), how many, status, queue, task, tag ('' for any),
-- then the fields of a record to reply with
-- Replies with {total (-1: not known), the number to go on below ('' at the end), id, {values}, id, {values}, …}
local below, most, status, queue, task, tag = ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5], ARGV[6], ARGV[7]
local fields, found, sources, total = {}, {}, {}, 0
for i = 8, #ARGV do fields[#fields + 1] = ARGV[i] end
local function fits(wanted, value) return wanted == '' or wanted == value end

-- Read on in one list: a piece at a time, so that merging many lists stays as cheap as the page is long.
local function refill(source)
  source.ids = redis.call('ZREVRANGEBYSCORE', source.key, source.below, '-inf', 'WITHSCORES', 'LIMIT', 0, source.step)
  source.at = 1
  if #source.ids > 0 then source.below = '(' .. source.ids[#source.ids] end
end

if tag ~= '' then
  sources[1] = { key = K.tagged(tag) }
  total = redis.call('ZCARD', K.tagged(tag))
else
  for _, member in ipairs(redis.call('SMEMBERS', K.lists())) do
    local s, q, t = string.match(member, '^(.-):(.-):(.*)$')
    if fits(status, s) and fits(queue, q) and fits(task, t) then
      sources[#sources + 1] = { key = K.listed(s, q, t) }
      total = total + redis.call('ZCARD', K.listed(s, q, t))
    end
  end
end
for _, source in ipairs(sources) do
  source.below = below == '+inf' and below or '(' .. below
  source.step = math.ceil(most / #sources) + 4
  refill(source)
end

local last, looked = '', 0
while #found < 2 * most and looked < 5000 do
  local best
  for _, source in ipairs(sources) do
    if source.at > #source.ids and #source.ids > 0 then refill(source) end
    local number = tonumber(source.ids[source.at + 1])
    if number and (not best or number > tonumber(best.ids[best.at + 1])) then best = source end
  end
  if not best then return { total, '', unpack(found) } end
  local id = best.ids[best.at]
  last, best.at, looked = best.ids[best.at + 1], best.at + 2, looked + 1
  local job = fetch(id)
  if job and fits(status, job.status) and fits(queue, job.queue) and fits(task, job.task) then
    found[#found + 1] = id
    found[#found + 1] = redis.call('HMGET', K.job(id), unpack(fields))
  end
end
return { total, last, unpack(found) }
