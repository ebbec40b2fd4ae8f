-- Deletes keys that still hold a value, which only the caller can tell to be forged.
for i = 1, #KEYS do
  if redis.call('GET', KEYS[i]) == ARGV[i] then
    redis.call('DEL', KEYS[i])
  end
end
return 1
