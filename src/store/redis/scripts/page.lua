#!lua flags=no-writes
-- A range of people in id order, and the head at which it was read.
--
-- KEYS  meta, ids, people
-- ARGV  from this id on, count
-- ->    epoch, seq, tag of the head (nil where there is none), members of ids, their records (nil where there is none),
--       1 where all scores are 0: with others the order of ids is broken, and a range ends too early
-- HEAD --
local epoch, seq, tag = read_head(KEYS[1])
local ids = redis.call('ZRANGE', KEYS[2], '[' .. ARGV[1], '[ffffffff-ffff-ffff-ffff-ffffffffffff', 'BYLEX',
  'LIMIT', 0, ARGV[2])
local records = {}
-- In portions: unpack is bounded by Lua's stack.
for first = 1, #ids, 1000 do
  local part = redis.call('HMGET', KEYS[3], unpack(ids, first, math.min(first + 999, #ids)))
  for i = 1, #part do records[#records + 1] = part[i] end
end
local lowest = redis.call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES')[2]
local highest = redis.call('ZRANGE', KEYS[2], -1, -1, 'WITHSCORES')[2]
local even = not lowest or (tonumber(lowest) == 0 and tonumber(highest) == 0)
return {epoch or false, seq or false, tag or false, ids, records, even and 1 or 0}
