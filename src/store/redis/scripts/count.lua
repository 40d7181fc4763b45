#!lua flags=allow-oom
-- Whether a partition's keys agree, as far as a few cheap questions tell: asked with the heads, again and again.
-- It writes nothing, and does not say so: a replica would then answer it.
--
-- KEYS  meta, log, people, ids
-- ->    number of records, number of ids, number of the head ('' where there is none), id of the log's last entry
--       ('' where there is none) | nothing, where the user may not ask
-- HEAD --
if not (redis.acl_check_cmd('hlen', KEYS[3]) and redis.acl_check_cmd('zcard', KEYS[4])) then return {} end
local _, seq = read_head(KEYS[1])
local last = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)[1]
return {redis.call('HLEN', KEYS[3]), redis.call('ZCARD', KEYS[4]), seq or '', last and last[1] or ''}
