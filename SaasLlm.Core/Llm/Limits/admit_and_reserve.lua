-- admit_and_reserve.lua: admits a call as admit.lua does and, if that lets it pass, sets the price of the job that opens with it aside
-- as reserve.lua does. In one step: a call over its limits never takes credits from another, not for a moment either.
-- The caller puts the two scripts in the places that bear their names.
--   KEYS     the four of reserve.lua, then those of admit.lua
--   ARGV     the five of reserve.lua, then those of admit.lua
--   reply    { reply of admit.lua }                          not admitted: nothing was set aside
--            { reply of admit.lua, reply of reserve.lua }
local function admit(KEYS, ARGV)
--[[admit.lua]]
end

local function reserve(KEYS, ARGV)
--[[reserve.lua]]
end

local admitted = admit({ unpack(KEYS, 5) }, { unpack(ARGV, 6) })
if admitted[1] == 0 then
  return { admitted }
end
return { admitted, reserve({ unpack(KEYS, 1, 4) }, { unpack(ARGV, 1, 5) }) }
