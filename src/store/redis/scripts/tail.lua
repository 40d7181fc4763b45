#!lua flags=allow-oom
-- The end of the log.
-- It writes nothing, and does not say so: a replica would then answer it, whose log may be an older one.
--
-- KEYS  meta, log
-- ARGV  limit
-- ->    epoch, seq, tag of the head (nil where there is none), the last entries, newest first
local m = redis.call('HMGET', KEYS[1], 'e', 's', 't')
return {m[1], m[2], m[3], redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', ARGV[1])}
