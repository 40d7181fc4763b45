#!lua
-- Writes the layout again if it is missing (FLUSHALL). Changes nothing if it exists.
--
-- KEYS  layout
-- ARGV  version, partitions, time in ms, names of the migrations
-- ->    version and partitions after the call
if redis.call('EXISTS', KEYS[1]) == 0 then
  redis.call('HSET', KEYS[1], 'version', ARGV[1], 'partitions', ARGV[2])
  for i = 4, #ARGV do redis.call('HSET', KEYS[1], 'migration:' .. ARGV[i], ARGV[3]) end
end
return redis.call('HMGET', KEYS[1], 'version', 'partitions')
