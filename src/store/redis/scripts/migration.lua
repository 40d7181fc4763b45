#!lua
-- The script around a file of migrations/: runs it once, and records it in the same step.
--
-- KEYS  layout, lock, then of each partition: meta, log, people, ids
-- ARGV  the lock's token, version before, version after, partitions, name, time in ms, a fresh
--       epoch for each partition
-- ->    DONE | LOST (another gateway has the lock) | MOVED (the version is another)
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 'LOST' end
if (redis.call('HGET', KEYS[1], 'version') or '0') ~= ARGV[2] then return 'MOVED' end
local partitions = {}
for n = 1, tonumber(ARGV[4]) do
  local k = 4 * n - 1
  partitions[n] = {
    meta = KEYS[k], log = KEYS[k + 1], people = KEYS[k + 2], ids = KEYS[k + 3], epoch = ARGV[6 + n]
  }
end
local function migrate(partitions)
  -- MIGRATION --
end
migrate(partitions)
redis.call('HSET', KEYS[1], 'version', ARGV[3], 'partitions', ARGV[4], 'migration:' .. ARGV[5],
  ARGV[6])
return 'DONE'
