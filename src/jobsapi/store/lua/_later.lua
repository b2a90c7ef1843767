-- Part of every script: what is written when it ends.
-- What is written when the script ends, one command a key however many jobs it moved: `flush` is called after every
-- script, so nothing written so can be read in the same one.
local waiting, in_order, counted = {}, {}, {}
local function later(command, key, first, second)
  local name = command .. key
  local words = waiting[name]
  if not words then
    words = { command, key }
    waiting[name], in_order[#in_order + 1] = words, words
  end
  words[#words + 1] = first
  words[#words + 1] = second
end
local function count_later(key, field)
  counted[key] = counted[key] or {}
  counted[key][field] = (counted[key][field] or 0) + 1
end
local function flush()
  for _, words in ipairs(in_order) do redis.call(unpack(words)) end
  for key, fields in pairs(counted) do
    for field, count in pairs(fields) do redis.call('HINCRBY', key, field, count) end
  end
end
