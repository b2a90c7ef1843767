-- Part of the scripts that must work where the server's memory is used up, because they take next to none.
-- The server looks at its memory before a script's first write alone, and lets writes pass that only remove.
local function needs_no_room() redis.call('DEL', K.sequence() .. ':none') end
