#!lua
-- Puts people who have a record into the list of ids again, and takes out of it what is nobody's. Where that changes who
-- is listed, or is asked for, a new epoch begins, and every view with it.
--
-- KEYS  meta, log, people, ids
-- ARGV  epoch, '1' to begin anew in any case, number of ids to list, these ids, members to take out
-- ->    how many were listed, how many were taken out
local meta, log, people, ids = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local first = 4 + tonumber(ARGV[3])
-- Types are asked before the first write.
redis.call('HGET', people, '')
redis.call('HGET', meta, 'e')
redis.call('XRANGE', log, '-', '+', 'COUNT', 1)
local listed, taken = 0, 0
for i = 4, first - 1 do
  if redis.call('HGET', people, ARGV[i]) then listed = listed + redis.call('ZADD', ids, 0, ARGV[i]) end
end
for i = first, #ARGV do taken = taken + redis.call('ZREM', ids, ARGV[i]) end
if listed > 0 or ARGV[2] == '1' then
  redis.call('DEL', log)
  redis.call('HSET', meta, 'e', ARGV[1], 's', '0', 't', '0')
end
return {listed, taken}
