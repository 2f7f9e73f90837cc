-- settle.lua: a call has ended, or was not begun after all: its place is free, and its tokens are what it used.
--   KEYS     as in admit.lua, for each level
--   ARGV     1 call id   2 slot that it was admitted in; '' where nobody knows
--            then for each level: requests to add, tokens to add (less than 0: to take away)
--   reply    places that were freed
local freed = 0

local function add(key, prefix, amount)
  local slot = prefix .. ARGV[2]
  local there = tonumber(redis.call('HGET', key, slot))
  -- A slot that is gone counts no more, with all that was in it.
  if there and amount ~= 0 then
    amount = string.format('%.0f', math.max(amount, -there))
    redis.call('HINCRBY', key, slot, amount)
    redis.call('HINCRBY', key, prefix, amount)
  end
end

for i = 1, #KEYS / 2 do
  freed = freed + redis.call('ZREM', KEYS[2 * i], ARGV[1])
  if ARGV[2] ~= '' then
    add(KEYS[2 * i - 1], 'r', tonumber(ARGV[2 * i + 1]))
    add(KEYS[2 * i - 1], 't', tonumber(ARGV[2 * i + 2]))
  end
end
return freed
