-- admit.lua: admits a call at every level that limits it, or at none and says why.
-- A window is the sum of its slots: a slot counts as a whole until its youngest part is older than the window, so that no more than
-- the limit is ever admitted within a window, and what was used comes back at most one slot late.
--   KEYS     for each level: window, a hash, for example {team:42}:limits, with
--              r, t         requests and tokens that count now
--              r<n>, t<n>   those of slot n
--              from, last   the oldest slot that may be there, the newest one used
--            and calls that run, a sorted set of call ids by the end of their lease, ms
--   ARGV     1 the time, ms; '' is this server's clock   2 a slot's length, ms   3 how many slots count, the running one included
--            4 call id   5 lease, ms   6 tokens the call may use
--            then for each level: requests a window, tokens a window, parallel calls; '' is no limit
--   reply    { 1 admitted | 0, slot,
--              for each level: requests, tokens, running calls (after this one, if it is admitted; 0 where not limited),
--                ms until requests fit, ms until tokens fit (0 they do, -1 they never will), ms until the first lease ends (0: there is room),
--                ms until the window is empty }
local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local length, slots, tokens = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[6])
local slot = math.floor(now / length)
local oldest = slot - slots + 1

local function whole(number)
  return string.format('%.0f', number)
end

local function names(prefix, from, to)
  local list = {}
  for n = from, to do
    list[#list + 1] = prefix .. whole(n)
  end
  return list
end

-- Drops the slots that no longer count; what is left.
local function advance(key)
  local head = redis.call('HMGET', key, 'from', 'last', 'r', 't')
  local from, last = tonumber(head[1]), tonumber(head[2])
  if not from or last < oldest then
    redis.call('DEL', key)
    return { requests = 0, tokens = 0, from = oldest, last = slot - slots }
  end
  local sums = { r = tonumber(head[3]) or 0, t = tonumber(head[4]) or 0 }
  if from < oldest then
    for prefix, _ in pairs({ r = true, t = true }) do
      local gone = names(prefix, from, oldest - 1)
      for _, amount in ipairs(redis.call('HMGET', key, unpack(gone))) do
        sums[prefix] = sums[prefix] - (tonumber(amount) or 0)
      end
      redis.call('HDEL', key, unpack(gone))
    end
    redis.call('HSET', key, 'from', whole(oldest))
    redis.call('HSET', key, 'r', whole(sums.r))
    redis.call('HSET', key, 't', whole(sums.t))
    from = oldest
  end
  return { requests = sums.r, tokens = sums.t, from = from, last = last }
end

-- How long until so much fits.
local function wait(key, prefix, window, used, amount, limit)
  if amount > limit then
    return -1
  end
  if used + amount <= limit then
    return 0
  end
  local amounts = redis.call('HMGET', key, unpack(names(prefix, window.from, window.last)))
  for i = 1, #amounts do
    used = used - (tonumber(amounts[i]) or 0)
    if used + amount <= limit then
      return (window.from + i - 1 + slots) * length - now
    end
  end
  return slots * length
end

local levels, admitted = {}, 1
for i = 1, #KEYS / 2 do
  local key, calls = KEYS[2 * i - 1], KEYS[2 * i]
  local level = {
    requests = tonumber(ARGV[3 * i + 4]), tokens = tonumber(ARGV[3 * i + 5]), parallel = tonumber(ARGV[3 * i + 6]),
    window = advance(key), running = 0, requestsWait = 0, tokensWait = 0, parallelWait = 0,
  }
  if level.requests then
    level.requestsWait = wait(key, 'r', level.window, level.window.requests, 1, level.requests)
  end
  if level.tokens then
    level.tokensWait = wait(key, 't', level.window, level.window.tokens, tokens, level.tokens)
  end
  if level.parallel then
    -- A call whose process died ends with its lease.
    redis.call('ZREMRANGEBYSCORE', calls, '-inf', whole(now))
    level.running = redis.call('ZCARD', calls)
    if level.running >= level.parallel then
      level.parallelWait = tonumber(redis.call('ZRANGE', calls, 0, 0, 'WITHSCORES')[2]) - now
    end
  end
  if level.requestsWait ~= 0 or level.tokensWait ~= 0 or level.parallelWait ~= 0 then
    admitted = 0
  end
  levels[i] = level
end

local reply = { admitted, whole(slot) }
for i, level in ipairs(levels) do
  local key, calls, window = KEYS[2 * i - 1], KEYS[2 * i], level.window
  if admitted == 1 then
    -- A clock that was set back counts in the oldest slot: the sums must stay those of the slots.
    local at = whole(math.max(slot, window.from))
    if level.requests then
      window.requests = redis.call('HINCRBY', key, 'r', 1)
      redis.call('HINCRBY', key, 'r' .. at, 1)
    end
    if level.tokens then
      window.tokens = redis.call('HINCRBY', key, 't', whole(tokens))
      redis.call('HINCRBY', key, 't' .. at, whole(tokens))
    end
    if level.requests or level.tokens then
      window.last = math.max(slot, window.last)
      redis.call('HSET', key, 'from', whole(window.from))
      redis.call('HSET', key, 'last', whole(window.last))
      redis.call('PEXPIRE', key, whole((slots + 1) * length))
    end
    if level.parallel then
      redis.call('ZADD', calls, whole(now + tonumber(ARGV[5])), ARGV[4])
      redis.call('PEXPIRE', calls, whole(math.max(tonumber(ARGV[5]), redis.call('PTTL', calls))))
      level.running = level.running + 1
    end
  end
  local empty = math.max(0, (window.last + slots) * length - now)
  for _, number in ipairs({
    level.requests and window.requests or 0, level.tokens and window.tokens or 0, level.running,
    level.requestsWait, level.tokensWait, level.parallelWait, empty }) do
    reply[#reply + 1] = whole(number)
  end
end
return reply
