-- forget.lua: forgets a balance, so that the next seed is taken whatever its version. Reservations stay.
--   KEYS     as in reserve.lua
--   reply    1 forgotten, 0 there was none
return redis.call('DEL', KEYS[1])
