-- Remembers what a vendor said with the answer to a slot: limits, what others took, and a pause.
-- KEYS: the log of takes, what the vendor told, until when it wants nothing.
local log, told, pause = KEYS[1], KEYS[2], KEYS[3]
local said = cjson.decode(ARGV[1])
local window, now = said.window_ms, said.now_ms
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end

if said.wait_ms > 0 then
  -- By itself: a pause may last longer than what else was told is believed.
  local until_ms = math.max(now + said.wait_ms, tonumber(redis.call('GET', pause) or 0))
  redis.call('SET', pause, string.format('%.0f', until_ms), 'PX', string.format('%.0f', until_ms - now))
end
local sent = redis.call('ZSCORE', log, said.member)
for _, each in ipairs(said.told) do
  if each.limit > 0 then
    redis.call('HSET', told, 'limit' .. each.kind, each.limit)
  end
  if sent and each.limit > 0 and each.remaining >= 0 then
    local others = each.limit - each.remaining
    local since = '(' .. string.format('%.0f', sent - window)
    for _, member in ipairs(redis.call('ZRANGEBYSCORE', log, since, '+inf')) do
      local needs = {string.match(member, ' (%d+) (%d+) (%d+)$')}
      others = others - tonumber(needs[each.kind])
    end
    if others > 0 then
      local at = tonumber(sent)
      if each.reset_ms >= 0 then
        at = math.min(at, at + each.reset_ms + said.guard_ms - window)
      end
      local needs = {0, 0, 0}
      needs[each.kind] = others
      local name = 'others:' .. each.kind .. ':' .. said.member:match('^%S+')
      redis.call('ZADD', log, at, name .. ' ' .. needs[1] .. ' ' .. needs[2] .. ' ' .. needs[3])
    end
  end
end
if redis.call('EXISTS', told) == 1 then
  redis.call('PEXPIRE', told, said.heard_for_ms)
end
