-- repair: put a job into the places that its record says, or take an entry of it out of an index where it is a stray.
-- ARGV: clock, id, index ('' : the job's own places), three values for its spelling ('' for none), how long results are
-- kept (ms), how long records are kept (ms), lease (ms)
-- Replies with how many things were put right: none where all is well, or the record is not whole.
-- include: anew
-- include: places
-- include: strays
local at, id, index, of = clock(), ARGV[2], ARGV[3], { ARGV[4], ARGV[5], ARGV[6] }
local keep, keep_record, lease = tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])
if index ~= '' then
  if not is_stray(index, of, id, at) then return 0 end
  take_out(index, of, id)
  return 1
end
local job, mended = fetch_all(id), 0
if not job or not job.is_whole then return 0 end

local function score_of(place)
  if place[1] == 'leases' then return at + lease end
  if place[1] == 'retained' then return job.ended_at + (job.has_no_output and keep_record or job.keep or keep) end
  return place[3] or at
end

for _, place in ipairs(wrong_places(job, at)) do
  local who = place[5] or id
  if place[1] == 'running' then redis.call('SADD', place[2], id) else redis.call('ZADD', place[2], score_of(place), who) end
  if place[1] == 'ready' then redis.call('ZADD', K.wake(job.queue, job.task), 0, 'look') end
  if place[1] == 'due' then redis.call('ZADD', K.stir(), 0, 'look') end
  mended = mended + 1
end
if is_of_no_list(job) then
  mended = mended + redis.call('SADD', K.lists(), job.status .. ':' .. job.queue .. ':' .. job.task)
end
if lacks_key(job) then
  local other = fetch(redis.call('GET', K.keyed(job.key)) or '')
  if not other or is_ended(other) or other.key ~= job.key then -- else two active jobs have one key: one must be cancelled
    redis.call('SET', K.keyed(job.key), id)
    mended = mended + 1
  end
end
if job.status == S.staged and not redis.call('LPOS', K.stage(job.batch or ''), id) then
  redis.call('RPUSH', K.stage(job.batch), id) -- let in if that submit was accepted, else dropped
  redis.call('ZADD', K.staged(), at, job.batch)
  mended = mended + 1
end
if job.status == S.scheduled and job.pending then mended = mended + await_anew(job, at, keep) end
return mended
