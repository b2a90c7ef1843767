-- plan: schedules are made known. Those of an app come as its whole set: what it no longer has is removed.
-- ARGV: clock, app ('' for a schedule that no app has), then for each schedule: name, definition, first due time (ms)
-- Replies with how many are new or changed. One that stays as it is keeps its due time.
local app, new, changed = ARGV[2], {}, 0
for i = 3, #ARGV, 3 do new[ARGV[i]] = true end
if app ~= '' then
  for _, name in ipairs(redis.call('SMEMBERS', K.app_schedules(app))) do
    if not new[name] then
      redis.call('HDEL', K.schedules(), name)
      redis.call('ZREM', K.planned(), name)
      redis.call('HDEL', K.fired(), name)
      redis.call('SREM', K.app_schedules(app), name)
    end
  end
end
for i = 3, #ARGV, 3 do
  local name, definition, due = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  if app ~= '' then redis.call('SADD', K.app_schedules(app), name) end
  if redis.call('HGET', K.schedules(), name) ~= definition then
    redis.call('HSET', K.schedules(), name, definition)
    redis.call('HDEL', K.fired(), name)
    redis.call('ZADD', K.planned(), due, name)
    changed = changed + 1
  end
end
if changed > 0 then redis.call('ZADD', K.stir(), 0, 'look') end
return changed
