#!lua
-- Gives members of ids with another score (an operator's hand) the score 0, which all have: their order is that of ids.
--
-- KEYS  ids
-- ARGV  how many at most
-- ->    how many it were
local uneven = redis.call('ZRANGE', KEYS[1], '(0', '+inf', 'BYSCORE', 'LIMIT', 0, ARGV[1])
local below = redis.call('ZRANGE', KEYS[1], '-inf', '(0', 'BYSCORE', 'LIMIT', 0, ARGV[1])
for _, part in ipairs({uneven, below}) do
  for _, member in ipairs(part) do redis.call('ZADD', KEYS[1], 0, member) end
end
return #uneven + #below
