#!lua
-- Gives a log without a head, or with a damaged one, its first epoch. Changes nothing if there is
-- a head.
--
-- KEYS  meta
-- ARGV  epoch
-- ->    1 if this call wrote it, else 0
-- HEAD --
if read_head(KEYS[1]) then return 0 end
redis.call('HSET', KEYS[1], 'e', ARGV[1], 's', '0', 't', '0')
return 1
