#!lua
-- One write, whole or not at all. A script is not rolled back, so it checks before the first write
-- whatever may be refused: types of keys by reading, permissions by name. It writes the list of ids
-- first, the only key whose type is not checked by reading, and the head last. A write that was
-- torn all the same leaves a log ahead of its head, or an id without a record. The next write sees
-- either, and begins a new epoch.
--
-- In a cluster a key that does not exist is refused while its slot is being moved: as a declared
-- one before the script runs, as a missing one in the middle of it, with nothing rolled back. So the
-- record is declared only where there is one, and it is written before anything is committed, and
-- filled later. Only the log of a broken history is deleted and made again: a refusal in between
-- loses nothing of use.
--
-- KEYS  meta, log, people, ids, and with an idempotency key its record
-- ARGV  S or D, id, fields as JSON ('' for D), expected revision ('' any, '0' absent, '*' present,
--       or a revision), tag, epoch for a log that cannot be continued, log's length, fingerprint
--       ('' no key), record's time to live in ms, channel, publishing command, time in ms, and the
--       traceparent of the write's span if it has one
-- ->    OK, revision, previous tag, created, receivers or -1
--       | REPLAY, revision, id, created, time, fields | REUSED | CONFLICT, revision or '0'
--       | DAMAGED (the record is damaged and has no revision) | NOTFOUND
--
-- Numbers are never joined with '..': Lua would write 1e15 as 1e+15. The delete variant of this
-- text has flags=allow-oom in its first line, or a full Redis would refuse the call that frees
-- memory.
-- HEAD --
local meta, log, people, ids, record = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local operation, id, body, expected = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local tag, new_epoch = ARGV[5], ARGV[6]
local log_max, fingerprint, ttl, channel, publish = ARGV[7], ARGV[8], ARGV[9], ARGV[10], ARGV[11]
local time, trace = ARGV[12], ARGV[13]

if record then
  local r = redis.call('HMGET', record, 'f', 'r', 'i', 'c', 'u', 'b')
  if r[1] and r[1] ~= '' then
    if r[1] ~= fingerprint then return {'REUSED'} end
    -- By pcall: the answer is worth more than a later expiry.
    redis.pcall('PEXPIRE', record, ttl)
    return {'REPLAY', r[2], r[3], r[4], r[5], r[6]}
  end
end

local epoch, seq, previous_tag = read_head(meta)
local person = redis.call('HGET', people, id)
local revision, created, before, damaged = '0', time, '', false
if person then
  -- The form in which the gateway writes a record. Damage that this pattern misses (inside of
  -- attributes) is found by the readers of the log.
  local stamps = '^([1-9a-f][0-9a-f]*%.[1-9]%d*%.[1-9a-f][0-9a-f]*) (%d+) '
  local fields = '%d+ ({"firstName":"(..-)","lastName":"(..-)","age":(%d+),"job":"(.-)"[,}].*)$'
  local first, last, age, job
  revision, created, before, first, last, age, job = string.match(person, stamps .. fields)
  damaged = not revision or #age > 3 or tonumber(age) > 150 or string.sub(before, -1) ~= '}'
  if not damaged and (#first > 200 or #last > 200 or #job > 200) then
    for _, text in ipairs({first, last, job}) do
      local characters = string.gsub(string.gsub(text, '\\u%x%x%x%x', 'x'), '\\.', 'x')
      damaged = damaged or #string.gsub(characters, '[\128-\191]', '') > 200
    end
  end
  if damaged then
    revision, created = string.match(person, stamps)
    revision, created, before = revision or '?', created or time, ''
  end
elseif operation == 'D' or (expected ~= '' and expected ~= '0') then
  -- An id without a record is a person whose record was lost. A save or a delete mends it.
  damaged = #redis.call('ZRANGE', ids, '[' .. id, '[' .. id, 'BYLEX', 'LIMIT', 0, 1) > 0
  if damaged then revision = '?' end
end
local exists = person or damaged
if (expected == '0' and exists) or (expected == '*' and not exists)
   or (expected ~= '' and expected ~= '0' and expected ~= '*' and expected ~= revision) then
  if revision == '?' then return {'DAMAGED'} end
  return {'CONFLICT', revision}
end
if operation == 'D' and not exists then return {'NOTFOUND'} end

local next_seq
if epoch and seq ~= '9007199254740992' then next_seq = string.format('%.0f', tonumber(seq) + 1) end
-- A history whose head is missing, or behind its own log, cannot be continued.
local ahead = #redis.call('XRANGE', log, (next_seq or '1') .. '-0', '+', 'COUNT', 1) > 0
local broken = ahead or not next_seq

local may = redis.acl_check_cmd
local refused = (not may('xadd', log, '1-0', 'e', '1') and 'xadd')
  or (not may('del', log) and 'del')
  or (not may('hset', meta, 'e', '1') and 'hset')
  or (operation == 'S' and not may('hset', people, id, '1') and 'hset')
  or (operation == 'D' and not may('hdel', people, id) and 'hdel')
  or (record and not may('hset', record, 'f', '1') and 'hset')
  or (record and not may('pexpire', record, '1') and 'pexpire')
if refused then
  return redis.error_reply('NOPERM the user may not run ' .. refused .. '; nothing was written')
end

if record then
  redis.call('HSET', record, 'f', '')
  redis.call('PEXPIRE', record, ttl)
end
-- A save lists the id even if it should be listed already, so that a person that was removed from
-- the list is in it again.
local listed
if operation == 'S' then listed = redis.call('ZADD', ids, 0, id) == 0
else listed = redis.call('ZREM', ids, id) == 1 end
-- If pages and log did not agree about the person, what views hold of it is unknown. A new epoch
-- begins, which resets every view.
damaged = damaged or listed ~= (person and true or false)
if damaged then before = '' end

-- A person that is deleted with its damage is in no view of the new epoch.
local tells = operation == 'S' or not damaged
local anew = broken or damaged
local added
if not anew then
  added = redis.pcall('XADD', log, 'MAXLEN', '=', log_max, next_seq .. '-0', 'e', epoch,
    'p', previous_tag, 't', tag, 'o', operation, 'i', id, 'c', created, 'b', body, 'a', before,
    'ts', time)
  -- The stream had this number before and lost the entry, but remembers its last number.
  anew = type(added) == 'table'
  if anew and not string.find(added.err, 'equal or smaller', 1, true) then return added end
end
if anew then
  epoch, previous_tag, next_seq = new_epoch, '0', '1'
  redis.call('DEL', log)
  if tells then
    redis.call('XADD', log, next_seq .. '-0', 'e', epoch, 'p', previous_tag, 't', tag,
      'o', operation, 'i', id, 'c', created, 'b', body, 'a', before, 'ts', time)
  end
end
if not tells then next_seq, tag = '0', '0' end
local new_revision = epoch .. '.' .. next_seq .. '.' .. tag

if operation == 'S' then
  redis.call('HSET', people, id, new_revision .. ' ' .. created .. ' ' .. time .. ' ' .. body)
else
  redis.call('HDEL', people, id)
end
if record then
  redis.call('HSET', record, 'f', fingerprint, 'r', new_revision, 'i', id, 'c', created,
    'u', time, 'b', body)
end
redis.call('HSET', meta, 'e', epoch, 's', next_seq, 't', tag)

-- Last, and by pcall: a refused PUBLISH must not fail a committed write. store/log/frame.rs reads
-- the frame.
local receivers = -1
if tells then
  local header = {
    '1', epoch, next_seq, previous_tag, tag, operation, time, created, #id, #body, #before, trace
  }
  local frame = table.concat(header, ' ') .. '\n' .. id .. body .. before
  local sent = redis.pcall(publish, channel, frame)
  if type(sent) == 'number' then receivers = sent end
end
return {'OK', new_revision, previous_tag, created, receivers}
