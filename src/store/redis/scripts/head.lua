-- The head of a log: epoch, number and tag. Nothing if one of them is missing, or is not a value
-- that the gateway writes (an operator changed it): such a history cannot be continued.
local function read_head(meta)
  local m = redis.call('HMGET', meta, 'e', 's', 't')
  local epoch, seq, tag = m[1], m[2], m[3]
  if not (epoch and seq and tag) or #epoch > 16 or #seq > 16 or #tag > 16 then return end
  if not string.find(epoch, '^[1-9a-f][0-9a-f]*$') then return end
  if not string.find(seq, '^[1-9]%d*$') and seq ~= '0' then return end
  if not string.find(tag, '^[1-9a-f][0-9a-f]*$') and tag ~= '0' then return end
  if #seq == 16 and seq > '9007199254740992' then return end
  return epoch, seq, tag
end
