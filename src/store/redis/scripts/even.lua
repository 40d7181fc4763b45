#!lua
-- Sets the score of members of ids to 0, if it differs (an operator changed it). All scores must be
-- equal, or the order is not that of ids.
--
-- KEYS  ids
-- ARGV  members at most
-- ->    number of changed members
local uneven = redis.call('ZRANGE', KEYS[1], '(0', '+inf', 'BYSCORE', 'LIMIT', 0, ARGV[1])
local below = redis.call('ZRANGE', KEYS[1], '-inf', '(0', 'BYSCORE', 'LIMIT', 0, ARGV[1])
for _, part in ipairs({uneven, below}) do
  for _, member in ipairs(part) do redis.call('ZADD', KEYS[1], 0, member) end
end
return #uneven + #below
