#!lua flags=no-writes
-- The commands of our scripts that the user may not run. A script is not rolled back: one that may
-- write the log but not the people would leave them different. So a start asks before any write.
--
-- KEYS  layout, and of a partition also meta, log, people, idempotency record, ids
-- ->    names of the refused commands
local layout, meta, log, people, record, ids = unpack(KEYS)
local refused = {}
local function need(command, ...)
  if not redis.acl_check_cmd(command, ...) then refused[#refused + 1] = command end
end
need('hmget', layout, 'version')
need('hset', layout, 'version', '1')
need('exists', layout)
if not meta then return refused end
need('hmget', meta, 'e')
need('hset', meta, 'e', '1')
need('exists', meta)
need('xadd', log, '1-0', 'e', '1')
need('xrange', log, '-', '+')
need('xrevrange', log, '+', '-')
need('del', log)
need('hget', people, 'id')
need('hmget', people, 'id')
need('hset', people, 'id', '1')
need('hdel', people, 'id')
need('zadd', ids, '0', 'id')
need('zrem', ids, 'id')
need('zrange', ids, '-', '+', 'BYLEX')
need('hmget', record, 'f')
need('hset', record, 'f', '1')
need('pexpire', record, '1')
return refused
