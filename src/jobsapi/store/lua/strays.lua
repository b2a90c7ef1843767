-- strays: which entries of an index are of jobs that are gone, or whose records do not say that they stand there.
-- ARGV: clock, index (the name of a key), three values for its spelling ('' for none), then ids
-- Replies with the ids of the strays.
-- include: places
-- include: strays
local at, index, of, found = clock(), ARGV[2], { ARGV[3], ARGV[4], ARGV[5] }, {}
for i = 6, #ARGV do
  if is_stray(index, of, ARGV[i], at) then found[#found + 1] = ARGV[i] end
end
return found
