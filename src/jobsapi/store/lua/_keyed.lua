-- Part of submit, stage and retry: at most one active job has a key. `holder`: who has it; '' where it is free.
local function holder(key) return key and redis.call('GET', K.keyed(key)) or '' end
local function key_taken(id) return redis.error_reply('KEYTAKEN ' .. id) end
