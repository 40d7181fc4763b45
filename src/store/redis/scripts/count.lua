#!lua flags=allow-oom
-- The counts by which a partition's keys are compared. The gateway asks for them with the heads.
-- The script writes nothing, but has no flag no-writes: with it a replica would answer.
--
-- KEYS  meta, log, people, ids
-- ->    number of records, number of ids, number of the head ('' if there is none), id of the log's
--       last entry ('' if there is none) | nothing, if the user lacks the permission
-- HEAD --
local may = redis.acl_check_cmd
if not (may('hlen', KEYS[3]) and may('zcard', KEYS[4])) then return {} end
local _, seq = read_head(KEYS[1])
local last = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)[1]
local records, ids = redis.call('HLEN', KEYS[3]), redis.call('ZCARD', KEYS[4])
return {records, ids, seq or '', last and last[1] or ''}
