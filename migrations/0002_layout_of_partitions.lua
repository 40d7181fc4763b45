-- 0002 layout of partitions: each partition says to which deployment it belongs. In a cluster it may be alone on its
-- node, and may be wiped alone.
--
-- {TAG}:layout        hash    version, partition, partitions, tags (plain or spread: how TAG was found), and
--                             migration:NNNN_name with the time of each migration
for _, partition in ipairs(partitions) do
  redis.call('HSET', partition.layout, 'partition', partition.number, 'partitions', partition.partitions,
    'tags', partition.tags)
end
