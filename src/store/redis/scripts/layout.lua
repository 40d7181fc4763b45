#!lua
-- Writes the directory of the layout if it is missing (a first migration, FLUSHALL), or if it is
-- older than the partitions, whose layouts are written before it.
--
-- KEYS  directory
-- ARGV  version, partitions, tags, time in ms, names of the migrations
-- ->    version and partitions after the call
local version = tonumber(redis.call('HGET', KEYS[1], 'version') or '0')
if version < tonumber(ARGV[1]) then
  redis.call('HSET', KEYS[1], 'version', ARGV[1], 'partitions', ARGV[2], 'tags', ARGV[3])
  for i = 5, #ARGV do
    local name = 'migration:' .. ARGV[i]
    if not redis.call('HGET', KEYS[1], name) then redis.call('HSET', KEYS[1], name, ARGV[4]) end
  end
end
return redis.call('HMGET', KEYS[1], 'version', 'partitions')
