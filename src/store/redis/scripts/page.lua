#!lua flags=no-writes
-- A range of people in id order, and the head, both of one instant.
--
-- KEYS  meta, ids, people
-- ARGV  first id, people at most, bytes of their records at most (the first person is in the range
--       whatever its size)
-- ->    epoch, seq, tag of the head (nil if there is none), members of ids, their records (nil if
--       there is none), 1 if more people may follow, 1 if all scores are 0 (with others the order
--       of ids is broken, and a range ends too early)
-- HEAD --
local epoch, seq, tag = read_head(KEYS[1])
local most, bytes = tonumber(ARGV[2]), tonumber(ARGV[3])
local last = '[ffffffff-ffff-ffff-ffff-ffffffffffff'
local listed = redis.call('ZRANGE', KEYS[2], '[' .. ARGV[1], last, 'BYLEX', 'LIMIT', 0, most)
local ids, records, held, full = {}, {}, 0, false
-- In portions: Lua's stack bounds unpack, and records beyond the bytes should not be read.
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
local more = full or #ids == most
return {epoch or false, seq or false, tag or false, ids, records, more and 1 or 0, even and 1 or 0}
