-- Which challenges of a subject are over. Shared by the scripts that let something happen to a challenge.
-- A challenge keeps the subject's epoch of when it was issued; ending all that are open raises the epoch.

local function epoch_of(key)
  return redis.call('GET', key) or '0'
end

-- epoch: the challenge's own. A challenge is gone from Redis before its subject's epoch is.
local function is_ended(key, epoch)
  return tonumber(epoch) < tonumber(epoch_of(key))
end
