-- seed.lua: brings a balance that was just read from Postgres, with all the holds it contains, and starts its life anew.
--   KEYS     as in reserve.lua
--   ARGV     1 version   2 available   3 what opening a job holds (both micro-credits)   4 allocated   5 used   6 held (credits)
--            7 1 if the team pays by the job   8 life, ms; then for each hold: job id, amount (micro-credits), ends at (ms)
--   reply    1 seeded, 0 a newer balance was there and stays
local version = tonumber(ARGV[1])
local stored = tonumber(redis.call('HGET', KEYS[1], 'version') or '-1')

for i = 9, #ARGV, 3 do
  redis.call('ZREM', KEYS[4], ARGV[i])
end
-- What is still set aside here only, and nowhere in this balance.
local pending, kept = 0, {}
for _, job in ipairs(redis.call('ZRANGE', KEYS[4], 0, -1)) do
  local amount = redis.call('HGET', KEYS[3], job) or '0'
  pending = pending + tonumber(amount)
  kept[#kept + 1] = { job, amount, redis.call('ZSCORE', KEYS[2], job) or '0' }
end
if stored > version then
  redis.call('HSET', KEYS[1], 'pending', string.format('%.0f', pending))
  return 0
end

redis.call('DEL', KEYS[2], KEYS[3])
for i = 9, #ARGV, 3 do
  redis.call('ZADD', KEYS[2], ARGV[i + 2], ARGV[i])
  redis.call('HSET', KEYS[3], ARGV[i], ARGV[i + 1])
end
for _, hold in ipairs(kept) do
  redis.call('ZADD', KEYS[2], hold[3], hold[1])
  redis.call('HSET', KEYS[3], hold[1], hold[2])
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local expires = string.format('%.0f', now + tonumber(ARGV[8]))
redis.call('HSET', KEYS[1], 'version', ARGV[1], 'base', ARGV[1], 'missing', '0', 'available', ARGV[2], 'price', ARGV[3],
  'allocated', ARGV[4], 'used', ARGV[5], 'held', ARGV[6], 'job_based', ARGV[7], 'pending', string.format('%.0f', pending),
  'at', string.format('%.0f', now), 'expires', expires)
for key = 1, 4 do
  redis.call('PEXPIREAT', KEYS[key], expires)
end
return 1
