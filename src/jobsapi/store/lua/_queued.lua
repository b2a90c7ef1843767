-- Part of list, counts and what reads batches: the jobs in a queue, by priority.

-- For each priority that a queue has jobs of: what is added to their numbers there, and the id and score of the oldest.
local function priorities_in(queue)
  local found, from = {}, '-inf'
  while true do
    local first = redis.call('ZRANGE', queue, from, '+inf', 'BYSCORE', 'LIMIT', 0, 1, 'WITHSCORES')
    if not first[1] then return found end
    local base = math.floor(tonumber(first[2]) / 2 ^ 44) * 2 ^ 44
    found[#found + 1] = { base = base, id = first[1], number = tonumber(first[2]) - base }
    from = string.format('%.0f', base + 2 ^ 44)
  end
end
