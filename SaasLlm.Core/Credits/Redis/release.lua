-- release.lua: gives a reservation back whose job was not opened after all. A hold that the balance contains is left alone.
--   KEYS     as in reserve.lua
--   ARGV     1 job id
--   reply    1 released, 0 there was nothing to release
if redis.call('ZREM', KEYS[4], ARGV[1]) == 0 then
  return 0
end
local amount = tonumber(redis.call('HGET', KEYS[3], ARGV[1]) or '0')
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('HDEL', KEYS[3], ARGV[1])
local pending = redis.call('HGET', KEYS[1], 'pending')
if pending then
  redis.call('HSET', KEYS[1], 'pending', string.format('%.0f', tonumber(pending) - amount))
end
return 1
