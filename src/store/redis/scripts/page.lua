#!lua flags=no-writes
-- A range of people in id order, and the head at which it was read.
--
-- KEYS  meta, ids, people
-- ARGV  from this id on, most people, most bytes of their records (the first person is there whatever its size)
-- ->    epoch, seq, tag of the head (nil where there is none), members of ids, their records (nil where there is none),
--       1 where more people may follow, 1 where all scores are 0: with others the order of ids is broken, and a range
--       ends too early
-- HEAD --
local epoch, seq, tag = read_head(KEYS[1])
local most, bytes = tonumber(ARGV[2]), tonumber(ARGV[3])
local listed = redis.call('ZRANGE', KEYS[2], '[' .. ARGV[1], '[ffffffff-ffff-ffff-ffff-ffffffffffff', 'BYLEX',
  'LIMIT', 0, most)
local ids, records, held, full = {}, {}, 0, false
-- In portions: unpack is bounded by Lua's stack, and what is beyond the bytes should not be read.
for first = 1, #listed, 100 do
  local part = redis.call('HMGET', KEYS[3], unpack(listed, first, math.min(first + 99, #listed)))
  for i = 1, #part do
    held = held + (part[i] and #part[i] or 0)
    full = held > bytes and #ids > 0
    if full then break end
    ids[#ids + 1], records[#ids + 1] = listed[first + i - 1], part[i]
  end
  if full then break end
end
local lowest = redis.call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES')[2]
local highest = redis.call('ZRANGE', KEYS[2], -1, -1, 'WITHSCORES')[2]
local even = not lowest or (tonumber(lowest) == 0 and tonumber(highest) == 0)
return {epoch or false, seq or false, tag or false, ids, records, (full or #ids == most) and 1 or 0, even and 1 or 0}
