-- plan: schedules are made known. Those of an app come as its whole set: what it no longer has is removed.
-- ARGV: clock, app ('' for a schedule that no app has), how the definitions of this maker begin, and those of no app,
-- then for each schedule: name, definition, first due time (ms)
-- Replies with the names that stay another's: a user's schedule is not replaced by an app's, nor an app's by a user's.
-- One that stays as it is keeps its due time.
local app, own, users, new, refused, changed = ARGV[2], ARGV[3], ARGV[4], {}, {}, 0
local function begins(name, mark)
  return string.sub(redis.call('HGET', K.schedules(), name) or mark, 1, #mark) == mark
end
for i = 5, #ARGV, 3 do new[ARGV[i]] = true end
if app ~= '' then
  for _, name in ipairs(redis.call('SMEMBERS', K.app_schedules(app))) do
    if not new[name] then
      if begins(name, own) then -- else it is another's by now
        redis.call('HDEL', K.schedules(), name)
        redis.call('ZREM', K.planned(), name)
        redis.call('HDEL', K.fired(), name)
      end
      redis.call('SREM', K.app_schedules(app), name)
    end
  end
end
for i = 5, #ARGV, 3 do
  local name, definition, due = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local present = redis.call('HGET', K.schedules(), name)
  if present and begins(name, users) ~= (app == '') then
    refused[#refused + 1] = name
  else
    if app ~= '' then redis.call('SADD', K.app_schedules(app), name) end
    if present ~= definition then
      redis.call('HSET', K.schedules(), name, definition)
      redis.call('HDEL', K.fired(), name)
      redis.call('ZADD', K.planned(), due, name)
      changed = changed + 1
    end
  end
end
if changed > 0 then redis.call('ZADD', K.stir(), 0, 'look') end
return refused
