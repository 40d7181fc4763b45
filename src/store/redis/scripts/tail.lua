#!lua flags=allow-oom
-- The end of the log.
-- It writes nothing, and does not say so: a replica would then answer it, whose log may be an older one.
--
-- KEYS  meta, log
-- ARGV  limit
-- ->    epoch, seq, tag of the head (nil where there is none), the last entries, newest first
-- HEAD --
local epoch, seq, tag = read_head(KEYS[1])
return {epoch or false, seq or false, tag or false, redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', ARGV[1])}
