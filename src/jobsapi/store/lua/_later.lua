-- Part of every script: what is written when it ends.
-- What is written when the script ends, one command a key however many jobs it moved: `flush` is called after every
-- script, so nothing written so can be read in the same one.
local waiting, in_order, counted = {}, {}, {}
-- The words of such a command so far; who asks for them adds some.
local function words_of(command, key)
  local keys = waiting[command]
  if not keys then
    keys = {}
    waiting[command] = keys
  end
  local words = keys[key]
  if not words then
    words = { command, key }
    keys[key], in_order[#in_order + 1] = words, words
  end
  return words
end
local function later(command, key, first, second)
  local words = words_of(command, key)
  words[#words + 1] = first
  words[#words + 1] = second
end
local function count_later(key, field)
  counted[key] = counted[key] or {}
  counted[key][field] = (counted[key][field] or 0) + 1
end

-- Ended jobs are found by their numbers when their time comes: an index says of each 256 when to look at them.
local soonest = {}
local function group_of(job) return math.floor(job.number / 256) end
local function look_by(index, group, at)
  soonest[index] = soonest[index] or {}
  soonest[index][group] = math.min(at, soonest[index][group] or at)
end

-- Who watches is told of the jobs that moved, once each, by what their records say when the script ends. While nobody
-- does, that costs one look. `data`: what a kind of event has to say: a reason, a progress, a part of the log.
local moved = {}
local function note_moved(id) moved[#moved + 1] = id end
local function is_watched() return redis.call('EXISTS', K.watched()) == 1 end
local function tell(kind, id, data)
  local v = redis.call('HMGET', K.job(id), 't', 'q', 's', 'a', 'r')
  if not v[3] then return end
  redis.call('XADD', K.events(), 'MAXLEN', '~', 10000, '*', 'k', kind, 'i', id, 't', v[1], 'q', v[2], 's', v[3],
    'a', v[4] or '', 'd', data or v[5] or '')
end

local function flush()
  for _, words in ipairs(in_order) do redis.call(unpack(words)) end
  for index, groups in pairs(soonest) do
    local words = { 'ZADD', index, 'LT' }
    for group, at in pairs(groups) do words[#words + 1], words[#words + 2] = at, group end
    redis.call(unpack(words))
  end
  if moved[1] and is_watched() then
    local told = {}
    for _, id in ipairs(moved) do
      if not told[id] then tell('s', id) end
      told[id] = true
    end
  end
  for key, fields in pairs(counted) do
    for field, count in pairs(fields) do redis.call('HINCRBY', key, field, count) end
  end
end
