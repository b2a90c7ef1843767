-- list: a page of jobs, newest first, merged from the lists that fit the filter; those of a batch by their places in it.
-- ARGV: clock, below which number ('+inf' for the first page), how many, status, queue, task, tag, batch, the job that
-- they came after, made not before, made not after (ms; '' for any), then the fields of a record to reply with
-- Replies with {total (-1: not known), the number to go on below ('' at the end), id, {values}, id, {values}, …}
-- include: merge
-- include: times
local below, most, status, queue, task, tag = ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5], ARGV[6], ARGV[7]
local batch, parent, since, till = ARGV[8], ARGV[9], tonumber(ARGV[10]), tonumber(ARGV[11])
local fields, found, total = {}, {}, 0
local heavy = {} -- which of them may be long
for i = 12, #ARGV do
  fields[#fields + 1] = ARGV[i]
  if ARGV[i] == 'p' or ARGV[i] == 'er' or ARGV[i] == 'pg' then heavy[#heavy + 1] = #fields end
end
local function fits(wanted, value) return wanted == '' or wanted == value end
local function all_fit(s, q, t) return fits(status, s) and fits(queue, q) and fits(task, t) end
local function has_tag(tags) return tag == '' or string.find(' ' .. (tags or '') .. ' ', ' ' .. tag .. ' ', 1, true) end

high = below == '+inf' and below or '(' .. below
step = math.min(most, 100)
if batch ~= '' then
  local known = redis.call('HMGET', K.batch(batch), 'f', 'l', 'o') -- one that is not accepted yet is none
  if known[1] then add_batch(batch, known[1] + 1, tonumber(known[2]), 0, all_fit) end
  local others = redis.call('EXISTS', K.batched(batch)) -- nobody says when those go
  total = others == 1 and -1 or tonumber(known[3] or 0)
elseif parent ~= '' then
  add_list(K.followers(parent), 0).is_mixed = true
  total = redis.call('ZCARD', K.followers(parent))
elseif tag ~= '' then
  add_list(K.tagged(tag), 0).is_mixed = true
  total = redis.call('ZCARD', K.tagged(tag))
else
  total = add_lists(all_fit)
end
if (since or till) and batch == '' then narrow(since, till) end
step = math.ceil(most / math.max(1, #sources)) + 4
start_merge()

local last, looked, size = '', 0, 0 -- of large jobs a page holds fewer: about 16 MiB
while #found < 2 * most and looked < 5000 and size < 2 ^ 24 do
  local id, number, source = next_job()
  if not id then return { total, '', unpack(found) } end
  last, looked = string.format('%.0f', number), looked + 1
  local is_filtered = source.is_mixed or tag ~= '' or since or till
  local v = is_filtered and redis.call('HMGET', K.job(id), 's', 'q', 't', 'tg', 'c')
  if not is_filtered or v[1] and all_fit(v[1], v[2], v[3]) and has_tag(v[4]) and is_made_in_time(v[5], since, till) then
    local values = redis.call('HMGET', K.job(id), unpack(fields))
    for _, i in ipairs(heavy) do size = size + #(values[i] or '') end
    found[#found + 1] = id
    found[#found + 1] = values
  end
end
return { total, last, unpack(found) }
