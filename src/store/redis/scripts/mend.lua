#!lua
-- Adds people with a record to the list of ids, and removes members that are nobody's. If that
-- changes who is listed, or the caller asks for it, a new epoch begins, which resets every view.
--
-- KEYS  meta, log, people, ids
-- ARGV  epoch, '1' to begin an epoch in any case, number of ids to list, these ids, members to
--       remove
-- ->    number of listed people, number of removed members
local meta, log, people, ids = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local first = 4 + tonumber(ARGV[3])
-- Keys of another type fail here, before the first write.
redis.call('HGET', people, '')
redis.call('HGET', meta, 'e')
redis.call('XRANGE', log, '-', '+', 'COUNT', 1)
local listed, taken = 0, 0
for i = 4, first - 1 do
  if redis.call('HGET', people, ARGV[i]) then
    listed = listed + redis.call('ZADD', ids, 0, ARGV[i])
  end
end
for i = first, #ARGV do taken = taken + redis.call('ZREM', ids, ARGV[i]) end
if listed > 0 or ARGV[2] == '1' then
  redis.call('DEL', log)
  redis.call('HSET', meta, 'e', ARGV[1], 's', '0', 't', '0')
end
return {listed, taken}
