-- complete: the claim's holder records the outputs and the end of the job, once.
-- ARGV: clock, id, token, how long results are kept (ms), descriptor of the outputs, the inline output, how many bytes
-- of output lie beside the record
-- Replies with 1, or 0 where this very claim had completed it already (a reply was lost and the call sent again).
-- Refuses with UNKNOWNJOB, NOTHOLDER.
-- include: settle
local at, id, token, keep = clock(), ARGV[2], ARGV[3], tonumber(ARGV[4])
local job = fetch(id)
if not job then return unknown() end
if job.status == S.complete and job.token == token then return 0 end
if not is_held(job, token) then return not_holder() end
if ARGV[5] ~= '' then redis.call('HSET', K.job(id), 'ds', ARGV[5]) end
if ARGV[6] ~= '' then redis.call('HSET', K.job(id), 'v', ARGV[6]) end
if ARGV[7] ~= '0' then
  redis.call('HSET', K.job(id), 'ob', ARGV[7])
  redis.call('INCRBY', K.output_bytes(), ARGV[7])
  redis.call('ZADD', K.bulky(), at, id)
end
redis.call('ZREM', K.unclaimed_outputs(), id .. ':' .. token)
settle(job, S.complete, '', at, keep)
return 1
