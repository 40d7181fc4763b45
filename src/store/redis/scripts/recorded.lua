#!lua flags=allow-oom
-- The success kept under an idempotency key; a request that asks for its own success keeps it alive.
--
-- KEYS  idempotency record
-- ARGV  fingerprint, record's time to live in ms
-- ->    fingerprint, revision, id, created, time, fields; all nil where there is none
local r = redis.call('HMGET', KEYS[1], 'f', 'r', 'i', 'c', 'u', 'b')
if r[1] == ARGV[1] then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return r
