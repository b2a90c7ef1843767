-- Part of submit and stage: the jobs that a call brings, each as id, number of pairs, field, value, …
local next_argument

-- An iterator, from that argument on: id, the fields as a table, and the command that writes them.
local function next_record(first)
  local at = next_argument or first
  if at > #ARGV then return nil end
  local id, last = ARGV[at], at + 1 + 2 * ARGV[at + 1]
  local fields, command = {}, { 'HSET', K.job(id) }
  for i = at + 2, last, 2 do
    fields[ARGV[i]] = ARGV[i + 1]
    command[#command + 1] = ARGV[i]
    command[#command + 1] = ARGV[i + 1]
  end
  next_argument = last + 1
  return id, fields, command
end
