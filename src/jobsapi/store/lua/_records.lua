-- Part of submit, submit_batch and stage: the jobs that a call brings, each as id, number of pairs, field, value, …
-- include: keyed
-- include: cached

-- From that argument on: {id, fields, command: what writes the record, known: its status where it is recorded already,
-- holder: the job that stands for it, because it has the same key and its sender is content with that, or because its
-- result answers for this one, too}. Then, or instead of it, an error where a key is taken.
local function read_records(at)
  local records, same = {}, {}
  while at <= #ARGV do
    local id, last = ARGV[at], at + 1 + 2 * ARGV[at + 1]
    local fields, command = {}, { 'HSET', K.job(id) }
    for i = at + 2, last, 2 do
      fields[ARGV[i]] = ARGV[i + 1]
      command[#command + 1] = ARGV[i]
      command[#command + 1] = ARGV[i + 1]
    end
    at = last + 1
    local record = { id = id, fields = fields, command = command, known = redis.call('HGET', K.job(id), 's') }
    local other = record.known and '' or holder(fields.ky)
    if other ~= '' then
      if not fields.oc or redis.call('HGET', K.job(other), 's') == S.staged then return nil, key_taken(other) end
      record.holder = other
    elseif fields.ck and not record.known then
      record.holder = same[fields.ck] or answering(fields.ck, fields.bt, clock())
      same[fields.ck] = record.holder or id
    end
    records[#records + 1] = record
  end
  return records
end

-- Write a record, with its status and more fields behind it, and hold its key.
local function write_record(record, at, status, ...)
  local command = record.command
  for _, word in ipairs({ 'c', at, 's', status, ... }) do command[#command + 1] = word end
  redis.call(unpack(command))
  if record.fields.ky then redis.call('SET', K.keyed(record.fields.ky), record.id) end
  answer_from_now(record.fields.ck, record.id)
end
