#!lua
-- Writes the layout again where it is missing (FLUSHALL); changes nothing where there is one.
--
-- KEYS  layout
-- ARGV  version, partitions, time in ms, names of the migrations
-- ->    version, partitions as they now stand
if redis.call('EXISTS', KEYS[1]) == 0 then
  redis.call('HSET', KEYS[1], 'version', ARGV[1], 'partitions', ARGV[2])
  for i = 4, #ARGV do redis.call('HSET', KEYS[1], 'migration:' .. ARGV[i], ARGV[3]) end
end
return redis.call('HMGET', KEYS[1], 'version', 'partitions')
