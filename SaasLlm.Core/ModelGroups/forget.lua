-- forget.lua: forgets a value and makes every fill that is on its way too late.
--   KEYS[1]  the value, for example {group:ResumeAgent}:value   KEYS[2]  its epoch
--   ARGV     1 a new epoch, never used before   2 the epoch's lifetime, ms
--   reply    1
redis.call('DEL', KEYS[1])
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
return 1
