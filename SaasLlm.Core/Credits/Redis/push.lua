-- push.lua: brings the balance that a commit left, and the holds it contains. Pushes may arrive in any order, or not at all.
--   KEYS     as in reserve.lua
--   ARGV     1 version before the commit   2 version after it   3 available   4 what opening a job holds (both micro-credits)
--            5 allocated   6 used   7 held (credits, for refusals)   8 1 if the team pays by the job
--            9 number of holds that the commit opened
--            then for each: job id, amount (micro-credits), ends at (ms); then the job ids of the holds that it ended
--   reply    1 the balance is this commit's, 0 it is a newer one, -1 there is no balance here
local b = redis.call('HMGET', KEYS[1], 'version', 'base', 'missing', 'pending', 'expires')
if not b[1] then
  return -1
end
local version, base, missing, pending = tonumber(b[1]), tonumber(b[2]), tonumber(b[3]), tonumber(b[4])
local from, to, opened = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[9])

-- Contained in this balance and in every newer one: no longer to be subtracted, however late this arrives.
for i = 10, 9 + 3 * opened, 3 do
  if redis.call('ZREM', KEYS[4], ARGV[i]) == 1 then
    pending = pending - tonumber(redis.call('HGET', KEYS[3], ARGV[i]) or '0')
  end
  if to > version then
    redis.call('ZADD', KEYS[2], ARGV[i + 2], ARGV[i])
    redis.call('HSET', KEYS[3], ARGV[i], ARGV[i + 1])
  end
end
for i = 10 + 3 * opened, #ARGV do
  if redis.call('ZREM', KEYS[4], ARGV[i]) == 1 then
    pending = pending - tonumber(redis.call('HGET', KEYS[3], ARGV[i]) or '0')
  end
  redis.call('ZREM', KEYS[2], ARGV[i])
  redis.call('HDEL', KEYS[3], ARGV[i])
end

-- While a push between two versions is missing, a hold may be subtracted twice: a refusal then asks Postgres. A push may bring
-- several versions; those the seed brought are not counted, and a push of none (a refusal) may have counted some of them as missing.
if to > version then
  missing = missing + math.max(0, from - version)
end
missing = math.max(0, missing - math.max(0, math.min(to, version) - math.max(from, base)))
redis.call('HSET', KEYS[1], 'missing', string.format('%.0f', missing), 'pending', string.format('%.0f', pending))
for key = 2, 3 do
  redis.call('PEXPIREAT', KEYS[key], b[5])
end
if to < version then
  return 0
end
local time = redis.call('TIME')
redis.call('HSET', KEYS[1], 'version', ARGV[2], 'available', ARGV[3], 'price', ARGV[4],
  'allocated', ARGV[5], 'used', ARGV[6], 'held', ARGV[7], 'job_based', ARGV[8],
  'at', string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000)))
return 1
