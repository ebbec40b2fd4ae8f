-- Binds the ids of one session, primary first: the keys from the third on. Arguments: the identity that the caller moves it
-- off, the end in milliseconds, and the value of each id; one without an identity is looked at only. Returns the id of what
-- was announced, the value of the primary and its end.
local from, ends = ARGV[3], ARGV[4]
local first = 5
local primary = ARGV[first]

-- It stays with what it is bound to, and lives on.
local held = redis.call('GET', KEYS[3])
if held and identity_of(held) ~= from then
  if identity_of(primary) ~= '' then
    redis.call('PEXPIREAT', KEYS[3], ends, 'GT')
  end
  return {'', held, redis.call('PEXPIRETIME', KEYS[3])}
end

-- Bound to none, it takes what the first of the further ids that is bound is bound to.
local parent
for i = 4, held and 0 or #KEYS do
  parent = redis.call('GET', KEYS[i])
  if parent and identity_of(parent) == from then
    break
  end
  if parent and readable(parent) then
    local value = child_of(parent, string.sub(KEYS[i], -16), primary)
    if identity_of(primary) == '' then
      return {'', value, redis.call('PEXPIRETIME', KEYS[i])}
    end
    redis.call('PEXPIREAT', KEYS[i], ends, 'GT')
    redis.call('SET', KEYS[3], value, 'PXAT', ends)
    return {'', value, tonumber(ends)}
  end
end

-- Else it goes where the caller wants it, with all its ids.
local changes = {}
for i = 3, #KEYS do
  local value = ARGV[first + i - 3]
  local identity = identity_of(value)
  if identity ~= '' then
    local before = redis.call('GET', KEYS[i])
    redis.call('SET', KEYS[i], value, 'PXAT', ends)
    if before and identity_of(before) ~= identity or not before and from ~= '' then
      changes[#changes + 1] = 'moved'
      changes[#changes + 1] = moved(KEYS[i], ends, value)
    end
  end
end
return {announce(changes), primary, tonumber(ends)}
