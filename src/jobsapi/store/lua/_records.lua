-- Part of submit, submit_batch and stage: the jobs that a call brings, each as id, number of pairs, field, value, … First
-- come q and t, then the fields that these scripts look at, then p, then the others.
-- include: keyed
-- include: cached

local none = {}

-- From that argument on: {id, queue, task, fields: those before p, from, to: where its pairs stand, known: its status where
-- it is recorded already, holder: the job that stands for it, because it has the same key and its sender is content with
-- that, or because its result answers for this one, too}. Then, or instead of it, an error where a key is taken.
local function read_records(at, batch)
  local records, same, count = {}, {}, #ARGV
  while at <= count do
    local id, last, fields, i = ARGV[at], at + 1 + 2 * ARGV[at + 1], none, at + 6
    while i < last and ARGV[i] ~= 'p' do
      if fields == none then fields = {} end
      fields[ARGV[i]] = ARGV[i + 1]
      i = i + 2
    end
    local record = {
      id = id, queue = ARGV[at + 3], task = ARGV[at + 5], fields = fields, from = at + 2, to = last,
      known = redis.call('HGET', K.job(id), 's'),
    }
    at = last + 1
    local other = record.known and '' or holder(fields.ky)
    if other ~= '' then
      if not fields.oc or redis.call('HGET', K.job(other), 's') == S.staged then return nil, key_taken(other) end
      record.holder = other
    elseif fields.ck then -- one that is sent again still stands for the same ones of its call
      if not record.known then record.holder = same[fields.ck] or answering(fields.ck, batch, clock()) end
      same[fields.ck] = record.holder or same[fields.ck] or id
    end
    records[#records + 1] = record
  end
  return records
end

-- Write a record, with its status and number, and hold its key.
local function write_record(record, at, status, number)
  redis.call('HSET', K.job(record.id), 'c', at, 's', status, 'n', number, unpack(ARGV, record.from, record.to))
  if record.fields.ky then redis.call('SET', K.keyed(record.fields.ky), record.id) end
  answer_from_now(record.fields.ck, record.id)
end
