-- Part of cancel and retry: a call that was heard before comes again where its reply was lost; its sender names it.
local function was_heard(id, call) return call and redis.call('HGET', K.job(id), 'rq') == call end
