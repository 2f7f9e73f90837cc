-- drop_overdue.lua: removes reservations whose lease is over and whose job never came to Postgres.
--   KEYS     as in reserve.lua
--   ARGV     their job ids; one whose lease is not over, or that is not a reservation any more, is left alone
--   reply    how many it removed
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local removed, freed = 0, 0
for _, job in ipairs(ARGV) do
  local lease = redis.call('ZSCORE', KEYS[4], job)
  if lease and tonumber(lease) <= now then
    freed = freed + tonumber(redis.call('HGET', KEYS[3], job) or '0')
    removed = removed + 1
    redis.call('ZREM', KEYS[4], job)
    redis.call('ZREM', KEYS[2], job)
    redis.call('HDEL', KEYS[3], job)
  end
end
local pending = redis.call('HGET', KEYS[1], 'pending')
if pending and removed > 0 then
  redis.call('HSET', KEYS[1], 'pending', string.format('%.0f', tonumber(pending) - freed))
end
return removed
