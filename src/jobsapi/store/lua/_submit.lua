-- Part of submit and submit_batch: record what `read_records` read, and put it where it waits.
-- include: admit

-- Replies with the time, then for each job its status, or the id of the active job that stands for it. Then how many
-- jobs are new.
local function submit(records, at, keep)
  local replies, new = { at }, 0
  for _, record in ipairs(records) do
    if not (record.known or record.holder) then new = new + 1 end
  end
  local number = new > 0 and redis.call('INCRBY', K.sequence(), new) - new
  for _, record in ipairs(records) do
    local answer = record.known or record.holder
    if not answer then
      number = number + 1
      answer = admit(record.id, record.fields, number, at, keep, function(...) write_record(record, at, ...) end)
    end
    replies[#replies + 1] = answer
  end
  return replies, new
end
