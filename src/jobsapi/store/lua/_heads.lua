-- Part of claim: the jobs at the head of a queue's tasks, in one order. They are read in pieces and leave their queue
-- when the script ends.

-- Read on in one task's jobs: {task, id, score} of the next one, no id at the end.
local function advance(line, most)
  line.at = line.at + 2
  if line.at > #line.jobs and #line.jobs == 2 * line.step then
    line.from, line.step = line.from + line.step, math.min(most, 100)
    line.jobs = redis.call('ZRANGE', line.key, line.from, line.from + line.step - 1, 'WITHSCORES')
    line.at = 1
  end
  line.id, line.score = line.jobs[line.at], tonumber(line.jobs[line.at + 1])
end

local function lines_of(queue, tasks, most, limits)
  local lines = {}
  for _, task in ipairs(tasks) do
    local line = { task = task, key = K.ready(queue, task), limit = limits[task], jobs = {}, at = -1, from = 0, step = 0 }
    advance(line, math.ceil(most / #tasks) + 1)
    if line.id then lines[#lines + 1] = line end
  end
  return lines
end

-- The line whose head goes first; nil where all are at their end.
local function best_of(lines)
  local best
  for i = 1, #lines do
    local line = lines[i]
    if line.id and (not best or line.score < best.score) then best = line end
  end
  return best
end

-- More is waiting than this worker took: the next idle one shall look.
local function call_next(queue, lines)
  for _, line in ipairs(lines) do
    if line.id then redis.call('ZADD', K.wake(queue, line.task), 0, 'look') end
  end
end
