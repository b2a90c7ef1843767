-- Part of submit and submit_batch: record what `read_records` read, and put it where it waits.
-- include: admit

-- `numbers`: replies with the number of the one at a place, counted from 1. Replies with the time, then for each job its
-- status, or the id of the active job that stands for it; then how many jobs are new.
local function submit(records, at, keep, numbers)
  local replies, new = { at }, 0
  for i, record in ipairs(records) do
    local answer = record.known or record.holder
    if not answer then
      new = new + 1
      answer = admit(record, numbers(i, new), at, keep, write_record)
    end
    replies[i + 1] = answer
  end
  return replies, new
end
