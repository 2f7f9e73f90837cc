-- reserve.lua: sets a team's price for a job aside, or says why not. Refuses early; Postgres decides.
-- Amounts are micro-credits, whole numbers below 2^53 (the caller caps balances), so Lua's doubles hold them exactly.
--   KEYS[1]  balance, a hash, for example {team:42}:balance
--   KEYS[2]  holds by when they end at the latest, ms: a sorted set of job ids
--   KEYS[3]  amount of each hold: a hash by job id
--   KEYS[4]  holds that the balance does not contain yet, by the end of their lease, ms: a sorted set of job ids
--   ARGV     1 job id   2 lease, ms   3 the job's lifetime, ms   4 how many holds a refusal names
--            5 price of the job's type (micro-credits), for teams that pay by the job; '' is the team's own
--   reply    { 'cold' }                                            no balance here: load it, seed, try again
--            { 'held', amount }                                    amount '0': the job is free, nothing is set aside
--            { 'refused', age of the balance ms, pushes that are missing,
--              allocated, used, held (credits, as pushed), set aside here since, price (micro-credits),
--              job id, amount, ends at ms, ... }                   earliest ending first
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local b = redis.call('HMGET', KEYS[1], 'available', 'price', 'pending', 'missing', 'at', 'allocated', 'used', 'held', 'expires', 'job_based')
if not b[1] then
  return { 'cold' }
end
local available, price, pending = tonumber(b[1]), tonumber(b[2]), tonumber(b[3])
if ARGV[5] ~= '' and b[10] == '1' then
  price = tonumber(ARGV[5])
end

-- A reservation whose job never came to Postgres ends with its lease.
for _, job in ipairs(redis.call('ZRANGEBYSCORE', KEYS[4], '-inf', now, 'LIMIT', 0, 100)) do
  pending = pending - tonumber(redis.call('HGET', KEYS[3], job) or '0')
  redis.call('ZREM', KEYS[4], job)
  redis.call('ZREM', KEYS[2], job)
  redis.call('HDEL', KEYS[3], job)
end

local reply
if price == 0 then
  reply = { 'held', '0' }
elseif redis.call('ZSCORE', KEYS[4], ARGV[1]) then
  reply = { 'held', redis.call('HGET', KEYS[3], ARGV[1]) }
elseif available - pending >= price then
  pending = pending + price
  redis.call('ZADD', KEYS[2], now + tonumber(ARGV[3]), ARGV[1])
  redis.call('HSET', KEYS[3], ARGV[1], string.format('%.0f', price))
  redis.call('ZADD', KEYS[4], now + tonumber(ARGV[2]), ARGV[1])
  -- The balance's life is fixed when it is seeded; nothing here outlives it.
  for key = 2, 4 do
    redis.call('PEXPIREAT', KEYS[key], b[9])
  end
  reply = { 'held', string.format('%.0f', price) }
else
  reply = { 'refused', string.format('%.0f', now - tonumber(b[5])), b[4], b[6], b[7], b[8],
    string.format('%.0f', pending), string.format('%.0f', price) }
  local holds = redis.call('ZRANGE', KEYS[2], 0, tonumber(ARGV[4]) - 1, 'WITHSCORES')
  for i = 1, #holds, 2 do
    reply[#reply + 1] = holds[i]
    reply[#reply + 1] = redis.call('HGET', KEYS[3], holds[i]) or '0'
    reply[#reply + 1] = string.format('%.0f', tonumber(holds[i + 1]))
  end
end
redis.call('HSET', KEYS[1], 'pending', string.format('%.0f', pending))
return reply
