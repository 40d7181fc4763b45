#!lua flags=no-writes
-- A range of people in id order, and the head at which it was read.
--
-- KEYS  meta, ids, people
-- ARGV  after this id ('' from the first), count
-- ->    epoch, seq, tag of the head (nil where there is none), ids, their records
local m = redis.call('HMGET', KEYS[1], 'e', 's', 't')
local after = ARGV[1] == '' and '-' or '(' .. ARGV[1]
local ids = redis.call('ZRANGE', KEYS[2], after, '+', 'BYLEX', 'LIMIT', 0, ARGV[2])
local records = {}
-- In portions: unpack is bounded by Lua's stack.
for first = 1, #ids, 1000 do
  local part = redis.call('HMGET', KEYS[3], unpack(ids, first, math.min(first + 999, #ids)))
  for i = 1, #part do records[#records + 1] = part[i] end
end
return {m[1], m[2], m[3], ids, records}
