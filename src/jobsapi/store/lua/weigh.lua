-- weigh: the sum of the outputs beside the records is put right, unless it has changed since it was found wrong.
-- ARGV: clock, what it was ('' for none), what it should be
-- Replies with 1 where it was put right, else 0.
if (redis.call('GET', K.output_bytes()) or '') ~= ARGV[2] then return 0 end
if ARGV[3] == '0' then redis.call('DEL', K.output_bytes()) else redis.call('SET', K.output_bytes(), ARGV[3]) end
return 1
