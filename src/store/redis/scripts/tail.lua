#!lua flags=allow-oom
-- The end of the log.
-- The script writes nothing, but has no flag no-writes: with it a replica would answer, whose log
-- may be older.
--
-- KEYS  meta, log
-- ARGV  limit
-- ->    epoch, seq, tag of the head (nil if there is none), the last entries, newest first
-- HEAD --
local epoch, seq, tag = read_head(KEYS[1])
local entries = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', ARGV[1])
return {epoch or false, seq or false, tag or false, entries}
