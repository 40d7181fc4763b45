#!lua
-- Gives a log without a head, or with a damaged one, its first epoch, and a partition without a
-- layout (FLUSHALL) its layout. Changes nothing where they exist.
--
-- KEYS  meta, layout of the partition
-- ARGV  epoch, version, partition, partitions, tags, time in ms, names of the migrations
-- ->    1 if this call wrote the head, else 0
-- HEAD --
if redis.call('EXISTS', KEYS[2]) == 0 then
  redis.call('HSET', KEYS[2], 'version', ARGV[2], 'partition', ARGV[3], 'partitions', ARGV[4],
    'tags', ARGV[5])
  for i = 7, #ARGV do redis.call('HSET', KEYS[2], 'migration:' .. ARGV[i], ARGV[6]) end
end
if read_head(KEYS[1]) then return 0 end
redis.call('HSET', KEYS[1], 'e', ARGV[1], 's', '0', 't', '0')
return 1
