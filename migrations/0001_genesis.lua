-- 0001 genesis: the first layout.
--
-- {PREFIX.pN}:meta    hash    e, s, t: epoch, number and tag of the log's last entry
-- {PREFIX.pN}:log     stream  entry SEQ-0 with e, p (tag before), t, o (S or D), i (id), c (created), b (fields after),
--                             a (fields before), ts (time); trimmed to store.log_max
-- {PREFIX.pN}:people  hash    id -> REVISION CREATED UPDATED FIELDS
-- {PREFIX.pN}:ids     zset    every id, all with score 0, for paging in id order
-- {PREFIX.pN}:idem:H  hash    f (fingerprint), r, i, c, u, b of the first success; expires
--
-- An epoch exists before the first write, so that every reader has a position to continue from.
for _, partition in ipairs(partitions) do
  if redis.call('EXISTS', partition.meta) == 0 then
    redis.call('HSET', partition.meta, 'e', partition.epoch, 's', '0', 't', '0')
  end
end
