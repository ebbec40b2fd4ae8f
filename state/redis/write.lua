-- Writes records that are as the writer read them. From the third argument on, each has its field, the tag that it had, empty
-- for none, and the new value, empty to remove it. Returns the id of what was announced, then the field and the present value
-- of each that has changed since.
local changes, late = {}, {}
for i = 3, #ARGV, 3 do
  local field, tag, value = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local present = redis.call('HGET', KEYS[1], field) or ''
  if string.match(present, '^[^ ]*') ~= tag then
    late[#late + 1] = field
    late[#late + 1] = present
  elseif value == '' then
    redis.call('HDEL', KEYS[1], field)
  else
    redis.call('HSET', KEYS[1], field, value)
    changes[#changes + 1] = 'record'
    changes[#changes + 1] = field
  end
end
return {announce(changes), unpack(late)}
