-- What the scripts that write have in common; it stands before each of them. Their first keys are the records and the log,
-- their first arguments who writes and the epoch to begin with where there is none.

-- The log holds about this many entries, and nothing once nobody wrote for a day. Who is further behind reads all records.
local kept = 16384
local life = 24 * 60 * 60 * 1000

-- The epoch lives among the records, so that whatever takes them away takes it away too.
local function epoch()
  local known = redis.call('HGET', KEYS[1], 'epoch')
  if not known then
    known = ARGV[2]
    redis.call('HSET', KEYS[1], 'epoch', known)
  end
  return known
end

local function log(changes)
  local id = redis.call('XADD', KEYS[2], 'MAXLEN', '~', kept, '*', 'epoch', epoch(), 'by', ARGV[1], unpack(changes))
  redis.call('PEXPIRE', KEYS[2], life)
  return id
end

-- Announces pairs of a name and a value in one entry, and returns its id; nothing to say: an empty text.
local function announce(changes)
  if #changes == 0 then
    return ''
  end
  return log(changes)
end

-- A binding is a byte that tells its form, one of its source, eight of when it was bound, and the identity. In the second form
-- the 16 bytes of its group follow; in the first its group is its own key. In the third and the fourth, which are like these two,
-- a byte with the length of a caller's name and the name stand before the identity. The fifth to the eighth are like these four, with a
-- MAC of 16 bytes before all that: of the time and the identity, so that it holds for whatever is made of a binding here.
local function is_signed(value)
  local form = string.byte(value)
  return form > 4 and form <= 8
end

local function head_of(value)
  return is_signed(value) and 26 or 10
end

local function caller_of(value)
  local form = string.byte(value) - (is_signed(value) and 4 or 0)
  local at = head_of(value) + 1
  if form ~= 3 and form ~= 4 then
    return ''
  end
  return string.sub(value, at, at + (string.byte(value, at) or 0))
end

local function is_grouped(value)
  return string.byte(value) % 2 == 0
end

local function identity_of(value)
  return string.sub(value, head_of(value) + 1 + #caller_of(value), is_grouped(value) and -17 or -1)
end

-- Whether this version knows the form of a value. What it does not know stays as it is.
local function readable(value)
  return #value > 10 and string.byte(value) <= 8 and #value > head_of(value)
end

-- What the source and the caller of one value make of what the key of another is bound to.
local function child_of(parent, key, value)
  local group = is_grouped(parent) and string.sub(parent, -16) or key
  local caller = caller_of(value)
  local mac = string.sub(parent, 11, head_of(parent))
  local form = string.char((caller == '' and 2 or 4) + (mac == '' and 0 or 4))
  return form .. string.sub(value, 2, 2) .. string.sub(parent, 3, 10) .. mac .. caller .. identity_of(parent) .. group
end

-- Whether value was bound later than other. Numbers of Lua do not hold nanoseconds, so they are compared in halves.
local function later(value, other)
  local high, low = struct.unpack('>I4I4', string.sub(value, 3, 10))
  local other_high, other_low = struct.unpack('>I4I4', string.sub(other, 3, 10))
  return high > other_high or high == other_high and low > other_low
end

-- Whether value does not say when it was bound.
local function timeless(value)
  return string.sub(value, 3, 10) == string.rep('\0', 8)
end

-- A binding as the log carries it: its key, eight bytes of its end in milliseconds, its value.
local function moved(key, ends, value)
  ends = tonumber(ends)
  local high = math.floor(ends / 4294967296)
  return string.sub(key, -16) .. struct.pack('>I4I4', high, ends - high * 4294967296) .. value
end
