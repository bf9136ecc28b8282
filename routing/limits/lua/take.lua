-- Takes all that a slot needs out of the minute, or nothing. Returns in how many ms to ask again, 0: taken, -1: what
-- the asker took last is not known here, so it has to tell what it took.
-- KEYS: the log of takes (member "id requests images tokens", scored by its moment), what the vendor told, the queue,
-- until when the vendor wants nothing.
-- The same rules as routing/core/pacing.py; one suite of tests runs both side by side.
local log, told, queue, pause = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local ask = cjson.decode(ARGV[1])
local window, now = ask.window_ms, ask.now_ms
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end

if ask.latest and not redis.call('ZSCORE', log, ask.latest) then
  return -1
end
redis.call('ZREMRANGEBYSCORE', log, '-inf', now - 2 * window)
for _, take in ipairs(ask.missing) do
  redis.call('ZADD', log, 'NX', now - take.age_ms, take.member)
end
redis.call('PEXPIRE', log, 2 * window)

-- What waits in other processes and goes first. A process that does not look any more has ended.
local ahead = ask.ahead
local rows = redis.call('HGETALL', queue)
for row = 1, #rows, 2 do
  local other = cjson.decode(rows[row + 1])
  if other.until_ms < now then
    redis.call('HDEL', queue, rows[row])
  elseif rows[row] ~= ask.process then
    for _, waiting in ipairs(other.line) do
      if waiting.rank > ask.rank or (waiting.rank == ask.rank and waiting.since_ms < now - ask.age_ms) then
        for kind = 1, 3 do
          ahead[kind] = ahead[kind] + waiting.needs[kind]
        end
      end
    end
  end
end

local takes
local function recent()
  if not takes then
    takes = {}
    local found = redis.call('ZRANGEBYSCORE', log, '(' .. string.format('%.0f', now - window), '+inf', 'WITHSCORES')
    for at = 1, #found, 2 do
      local requests, images, tokens = string.match(found[at], ' (%d+) (%d+) (%d+)$')
      takes[#takes + 1] = {tonumber(requests), tonumber(images), tonumber(tokens), at_ms = tonumber(found[at + 1])}
    end
  end
  return takes
end

local function wait_for(kind)
  local limit = ask.limits[kind]
  local said = tonumber(redis.call('HGET', told, 'limit' .. kind) or 0)
  if said > 0 and (limit == 0 or said < limit) then
    limit = said
  end
  if limit == 0 or ask.needs[kind] == 0 then
    return 0
  end
  local units = math.min(ask.needs[kind], limit) + ahead[kind] - 1
  local windows = math.floor(units / limit)
  local over = units % limit + 1 - limit
  for _, take in ipairs(recent()) do
    over = over + take[kind]
  end
  for _, take in ipairs(recent()) do
    if over <= 0 then
      break
    end
    over = over - take[kind]
    if over <= 0 then
      return windows * window + take.at_ms + window - now
    end
  end
  return windows * window
end

local wait = 0
if not redis.call('ZSCORE', log, ask.member) then
  wait = math.max(0, tonumber(redis.call('GET', pause) or 0) - now)
  for kind = 1, 3 do
    wait = math.max(wait, wait_for(kind))
  end
end

local line = {}
for _, waiting in ipairs(ask.line) do
  line[#line + 1] = {rank = waiting.rank, since_ms = now - waiting.age_ms, needs = waiting.needs}
end
if wait == 0 then
  redis.call('ZADD', log, now, ask.member)
  redis.call('PEXPIRE', log, 2 * window)
else
  line[#line + 1] = {rank = ask.rank, since_ms = now - ask.age_ms, needs = ask.needs}
end
if #line == 0 then
  redis.call('HDEL', queue, ask.process)
else
  redis.call('HSET', queue, ask.process, cjson.encode({until_ms = now + ask.lease_ms, line = line}))
  redis.call('PEXPIRE', queue, 2 * ask.lease_ms)
end
return wait
