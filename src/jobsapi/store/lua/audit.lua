-- audit: look whether jobs stand where their records say; a record and its places are read in one step.
-- ARGV: clock, '1' to look into the lists of jobs and stages that wait too ('' : tell what there should be), then ids
-- Replies with rows: id, status, what is wrong (the name of a key, or `broken`), and of what: a tag, a queue, a key, …
-- Rows `waits` (how many jobs it waits for) and `staged` (the large submit that has it) are wrong only where ARGV[2].
-- include: places
local at, is_deep, rows = clock(), ARGV[2] == '1', {}

local function count_entries(job)
  local count = 0
  local function look(ids, mark)
    for parent in string.gmatch(ids or '', '%S+') do
      if redis.call('LPOS', K.children(parent), mark .. job.id) then count = count + 1 end
    end
  end
  look(job.after, '')
  look(job.after_any, '*')
  return count
end

local function look(job)
  local function tell(what, of) rows[#rows + 1] = { job.id, job.status, what, of or '' } end
  if not job.is_whole then return tell('broken') end
  for _, place in ipairs(wrong_places(job, at)) do tell(place[1], place[4]) end
  if is_of_no_list(job) then tell('lists') end
  if lacks_key(job) then tell('keyed', job.key) end
  if job.status == S.scheduled and job.pending then
    if not is_deep or tonumber(job.pending) ~= count_entries(job) then tell('waits', job.pending) end
  elseif job.status == S.staged then
    local batch = job.batch or ''
    if not is_deep or not redis.call('LPOS', K.stage(batch), job.id) then tell('staged', batch) end
  end
end

for i = 3, #ARGV do
  local job = fetch_all(ARGV[i])
  if job then look(job) end
end
return rows
