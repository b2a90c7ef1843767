-- Part of list, batch and cancel_batch: the lists whose jobs are merged.
-- include: queued

local sources, order = {}, -1 -- 1: the lowest number first; -1: the highest
local low, high, step = '-inf', '+inf', 100 -- which numbers (a `(` before one leaves it out), and how many are read at once

local function shifted(bound, base, open)
  local mark, number = string.match(bound, '^(%(?)(%d+)$')
  if not number then return open end
  return mark .. string.format('%.0f', base + number)
end

-- A list of jobs; `base`: what is added to their numbers there.
local function add_list(key, base, is_queue)
  local from, to = shifted(low, base, is_queue and string.format('%.0f', base) or low),
    shifted(high, base, is_queue and string.format('(%.0f', base + 2 ^ 44) or high)
  local source = { key = key, base = base, from = from, to = to, ids = {}, at = -1, is_open = true }
  sources[#sources + 1] = source
  return source
end

-- Every list of jobs of which `fits(status, queue, task)` is true; of submitted ones the queues, too. Replies with how many
-- jobs these lists hold.
local function add_lists(fits)
  local total = 0
  local function add(key, base, is_queue)
    add_list(key, base, is_queue)
    if base == 0 or is_queue == 1 then total = total + redis.call('ZCARD', key) end
  end
  for _, member in ipairs(redis.call('SMEMBERS', K.lists())) do
    local status, queue, task = string.match(member, '^(.-):(.-):(.*)$')
    if fits(status, queue, task) then
      add(K.listed(status, queue, task), 0)
      local groups = status == S.submitted and priorities_in(K.ready(queue, task)) or {}
      for i, each in ipairs(groups) do add(K.ready(queue, task), each.base, i) end
    end
  end
  return total
end

-- The jobs of a batch from a place on: its own, by their numbers, which nobody else has, and those that stand for some of
-- it. `first`, `last`: of these numbers.
local function add_batch(batch, first, last, place, fits)
  low, high = string.format('%.0f', first + place), high == '+inf' and string.format('%.0f', last) or high
  add_lists(fits)
  add_list(K.batched(batch), -first).is_mixed = true
end
