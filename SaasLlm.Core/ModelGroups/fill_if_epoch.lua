-- fill_if_epoch.lua: stores a value unless it changed since the reader took the epoch.
--   KEYS[1]  the value, for example {group:ResumeAgent}:value   KEYS[2]  its epoch
--   ARGV     1 the epoch the reader saw ('' for none)   2 the value   3 lifetime, ms
--   reply    1 stored, 0 not
if (redis.call('GET', KEYS[2]) or '') ~= ARGV[1] then
  return 0
end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
