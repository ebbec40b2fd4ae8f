-- Saves bindings: the keys from the third on, each with two arguments from the third on, its value and its end in
-- milliseconds. One that carries a MAC takes the place of one to the same identity that does not. One without an identity is ended, unless it was bound after the time that its value names. Returns the id of
-- what was announced.
local changes = {}
for i = 3, #KEYS do
  local key, value, ends = KEYS[i], ARGV[2 * i - 3], ARGV[2 * i - 2]
  local present = redis.call('GET', key)
  local known = present and readable(present)
  if identity_of(value) == '' then
    if known and (timeless(value) or not later(present, value)) then
      redis.call('DEL', key)
      changes[#changes + 1] = 'moved'
      changes[#changes + 1] = moved(key, ends, value)
    end
  elseif not present then
    redis.call('SET', key, value, 'PXAT', ends)
  elseif known and identity_of(present) == identity_of(value) then
    if later(value, present) or is_signed(value) and not is_signed(present) then
      redis.call('SET', key, value, 'KEEPTTL')
    end
    redis.call('PEXPIREAT', key, ends, 'GT')
  end
end
return announce(changes)
