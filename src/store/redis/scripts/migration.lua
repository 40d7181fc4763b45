#!lua
-- The script around a file of migrations/: runs it once for a partition, and records it in the same
-- step. One script may not touch the keys of two partitions: in a cluster they may be on two nodes.
--
-- KEYS  layout, meta, log, people, ids of the partition
-- ARGV  version of a partition without a layout, version before, version after, partition,
--       partitions, tags, name, time in ms, a fresh epoch
-- ->    DONE | MOVED (the partition has another version)
local layout = KEYS[1]
local version = redis.call('HGET', layout, 'version') or ARGV[1]
if version ~= ARGV[2] then return 'MOVED' end
local function migrate(partitions)
  -- MIGRATION --
end
migrate({{
  layout = layout, meta = KEYS[2], log = KEYS[3], people = KEYS[4], ids = KEYS[5],
  number = ARGV[4], partitions = ARGV[5], tags = ARGV[6], epoch = ARGV[9]
}})
redis.call('HSET', layout, 'version', ARGV[3], 'migration:' .. ARGV[7], ARGV[8])
return 'DONE'
