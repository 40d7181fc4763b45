#!lua flags=allow-oom
-- The entries after a position, or why the log cannot continue from there.
-- The script writes nothing, but has no flag no-writes: with it a replica would answer, whose log
-- may be older.
--
-- KEYS  meta, log
-- ARGV  epoch, seq (at most 2^53: Lua counts in doubles), tag, limit
-- ->    OK, epoch, seq, tag of the head, entries | EMPTY | EPOCH, head | FORK, head | TRIMMED, head
-- HEAD --
local epoch, seq, tag = read_head(KEYS[1])
if not epoch then return {'EMPTY'} end
if epoch ~= ARGV[1] then return {'EPOCH', epoch, seq, tag} end
local asked, head = tonumber(ARGV[2]), tonumber(seq)
if asked > head then return {'FORK', epoch, seq, tag} end
if asked == head then
  if ARGV[3] ~= tag then return {'FORK', epoch, seq, tag} end
  return {'OK', epoch, seq, tag, {}}
end
local first = string.format('%.0f', asked + 1) .. '-0'
local entries = redis.call('XRANGE', KEYS[2], first, '+', 'COUNT', ARGV[4])
if #entries == 0 or entries[1][1] ~= first then return {'TRIMMED', epoch, seq, tag} end
local fields = entries[1][2]
for i = 1, #fields, 2 do
  if fields[i] == 'p' and fields[i + 1] ~= ARGV[3] then return {'FORK', epoch, seq, tag} end
end
return {'OK', epoch, seq, tag, entries}
