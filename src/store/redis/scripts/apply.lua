#!lua
-- One write, whole or not at all: checks first, then log, head, person, idempotency record, publication.
--
-- KEYS  meta, log, people, idempotency record, ids
-- ARGV  S or D, id, fields as JSON ('' for D), expected revision ('' any, '0' absent, '*' present, or a revision), tag,
--       epoch for a log without one, log's length, fingerprint ('' no key), record's time to live in ms, channel,
--       publishing command, time in ms, and traceparent of the write's span where it has one
-- ->    OK, revision, previous tag, created, receivers or -1 | REPLAY, revision, id, created, time, fields
--       | REUSED | CONFLICT, revision or '0' | NOTFOUND
--
-- Numbers are never joined with '..': Lua would write 1e15 as 1e+15. The delete variant of this text carries
-- flags=allow-oom in its first line, or a full Redis would refuse the call that frees memory.
local meta, log, people, record, ids = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local operation, id, body, expected, tag, new_epoch, log_max, fingerprint, ttl, channel, publish, time, trace =
  ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7], ARGV[8], ARGV[9], ARGV[10], ARGV[11], ARGV[12],
  ARGV[13]

if fingerprint ~= '' then
  local r = redis.call('HMGET', record, 'f', 'r', 'i', 'c', 'u', 'b')
  if r[1] then
    if r[1] ~= fingerprint then return {'REUSED'} end
    redis.call('PEXPIRE', record, ttl)
    return {'REPLAY', r[2], r[3], r[4], r[5], r[6]}
  end
end

local m = redis.call('HMGET', meta, 'e', 's', 't')
local epoch, seq, previous_tag = m[1], m[2], m[3]
local person = redis.call('HGET', people, id)
local revision, created, before = '0', time, ''
if person then
  revision, created, before = string.match(person, '^(%S+) (%S+) %S+ (.*)$')
  if not revision then return redis.error_reply('CORRUPT record of ' .. id) end
end
if (expected == '0' and person) or (expected == '*' and not person)
   or (expected ~= '' and expected ~= '0' and expected ~= '*' and expected ~= revision) then
  return {'CONFLICT', revision}
end
if operation == 'D' and not person then return {'NOTFOUND'} end

-- Where the head is missing, or behind its own log, that history cannot be continued: a new epoch begins.
local next_seq
if epoch then next_seq = string.format('%.0f', tonumber(seq) + 1) end
local fresh = not epoch or #redis.call('XRANGE', log, next_seq .. '-0', '+', 'COUNT', 1) > 0
if fresh then
  epoch, previous_tag, next_seq = new_epoch, '0', '1'
  redis.call('DEL', log)
end
local new_revision = epoch .. '.' .. next_seq .. '.' .. tag

redis.call('XADD', log, 'MAXLEN', '=', log_max, next_seq .. '-0', 'e', epoch, 'p', previous_tag, 't', tag,
  'o', operation, 'i', id, 'c', created, 'b', body, 'a', before, 'ts', time)
redis.call('HSET', meta, 'e', epoch, 's', next_seq, 't', tag)
if operation == 'S' then
  redis.call('HSET', people, id, new_revision .. ' ' .. created .. ' ' .. time .. ' ' .. body)
  if not person then redis.call('ZADD', ids, 0, id) end
else
  redis.call('HDEL', people, id)
  redis.call('ZREM', ids, id)
end
if fingerprint ~= '' then
  redis.call('HSET', record, 'f', fingerprint, 'r', new_revision, 'i', id, 'c', created, 'u', time, 'b', body)
  redis.call('PEXPIRE', record, ttl)
end

-- Last, and by pcall: a refused PUBLISH must not fail what is committed. The frame is read by store/frame.rs.
local header = {'1', epoch, next_seq, previous_tag, tag, operation, time, created, #id, #body, #before, trace}
local frame = table.concat(header, ' ') .. '\n' .. id .. body .. before
local receivers = redis.pcall(publish, channel, frame)
return {'OK', new_revision, previous_tag, created, (type(receivers) == 'number') and receivers or -1}
