-- inspect.lua: what is known here of a team; it changes nothing.
--   KEYS     as in reserve.lua
--   ARGV     1 how many holds of each sort it names at most
--   reply    { 'cold' }                                            no balance here
--            { 'warm', version, pushes that are missing, available, price, set aside here since, the same summed up anew
--              (all micro-credits), number of overdue reservations that follow, their job ids,
--              then the job ids of the holds that the balance contains }
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local b = redis.call('HMGET', KEYS[1], 'version', 'missing', 'available', 'price', 'pending')
if not b[1] then
  return { 'cold' }
end

local sum = 0
for _, job in ipairs(redis.call('ZRANGE', KEYS[4], 0, -1)) do
  sum = sum + tonumber(redis.call('HGET', KEYS[3], job) or '0')
end
local overdue = redis.call('ZRANGEBYSCORE', KEYS[4], '-inf', now, 'LIMIT', 0, tonumber(ARGV[1]))
local reply = { 'warm', b[1], b[2], b[3], b[4], b[5], string.format('%.0f', sum), tostring(#overdue) }
for _, job in ipairs(overdue) do
  reply[#reply + 1] = job
end
for _, job in ipairs(redis.call('ZRANGE', KEYS[2], 0, tonumber(ARGV[1]) - 1)) do
  if not redis.call('ZSCORE', KEYS[4], job) then
    reply[#reply + 1] = job
  end
end
return reply
