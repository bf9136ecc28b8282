-- Has a slot count from now on. KEYS: the log of takes.
local said = cjson.decode(ARGV[1])
local now = said.now_ms
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
redis.call('ZADD', KEYS[1], now, said.member)
redis.call('PEXPIRE', KEYS[1], 2 * said.window_ms)
