import { TOKEN_LIMIT_NAMES } from './token-limits.ts';

/*
 * A client's tokens are two keys in Redis. A hash: `window` (when it ends, in ms of Redis's own clock), `u1`… (used in it), `r1`…
 * (reserved now), and for each reservation a field of its lease, `a1:a2`. A sorted set: member = lease, score = when it expires unless it
 * is renewed, so that what a crashed replica held comes back. The numbers are those of the token limits, in their order. Each script is
 * one atomic step. Both keys have the client as their hash tag, so that a cluster keeps them together.
 */

const LIMITS = TOKEN_LIMIT_NAMES.length;

const OPEN = `
local hash, leases = KEYS[1], KEYS[2]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function text(number) return string.format('%.0f', number) end
local function count(field) return tonumber(redis.call('HGET', hash, field) or '0') end
local function drop(lease)
  local held = redis.call('HGET', hash, lease)
  redis.call('ZREM', leases, lease)
  if not held then return false end
  redis.call('HDEL', hash, lease)
  local index = 1
  for amount in string.gmatch(held, '[^:]+') do
    redis.call('HSET', hash, 'r' .. index, text(count('r' .. index) - amount))
    index = index + 1
  end
  return true
end
for _, lease in ipairs(redis.call('ZRANGEBYSCORE', leases, '-inf', now)) do drop(lease) end
local window = tonumber(redis.call('HGET', hash, 'window') or '0')
local function used(index) if window > now then return count('u' .. index) end return 0 end
local function read()
  local reading = { text(math.max(0, window - now)) }
  for index = 1, ${LIMITS} do
    reading[#reading + 1] = text(used(index))
    reading[#reading + 1] = text(count('r' .. index))
  end
  return reading
end
local function hold(lease, amounts, life)
  if redis.call('HEXISTS', hash, lease) == 0 then
    redis.call('HSET', hash, lease, table.concat(amounts, ':'))
    for index = 1, ${LIMITS} do redis.call('HINCRBY', hash, 'r' .. index, amounts[index]) end
  end
  redis.call('ZADD', leases, now + life, lease)
end
local function expire()
  local last = redis.call('ZRANGE', leases, -1, -1, 'WITHSCORES')
  local ends = math.max(window, tonumber(last[2] or '0'))
  redis.call('PEXPIRE', hash, math.max(1, ends - now))
  redis.call('PEXPIRE', leases, math.max(1, ends - now))
end`;

/** Returns ms to the end of the window, then used and reserved of each limit. */
export const READ_TOKENS: string = `${OPEN}
return read()`;

/** ARGV: life in ms, lease, then wanted and limit (-1 for none) of each limit. Returns an empty list when the tokens were reserved, else the reading. */
export const RESERVE_TOKENS: string = `${OPEN}
local amounts = {}
for index = 1, ${LIMITS} do
  local wanted, limit = ARGV[1 + 2 * index], tonumber(ARGV[2 + 2 * index])
  if limit >= 0 and used(index) + count('r' .. index) + tonumber(wanted) > limit then return read() end
  amounts[index] = wanted
end
hold(ARGV[2], amounts, tonumber(ARGV[1]))
expire()
return {}`;

/** ARGV: window in ms, lease, whether it is a retry, then used of each limit. A retry charges only while the reservation is there. */
export const SETTLE_TOKENS: string = `${OPEN}
if not drop(ARGV[2]) and ARGV[3] == '1' then return 0 end
local sum = 0
for index = 1, ${LIMITS} do sum = sum + tonumber(ARGV[3 + index]) end
if sum > 0 then
  if window <= now then
    window = now + tonumber(ARGV[1])
    redis.call('HSET', hash, 'window', text(window))
    for index = 1, ${LIMITS} do redis.call('HSET', hash, 'u' .. index, '0') end
  end
  for index = 1, ${LIMITS} do redis.call('HINCRBY', hash, 'u' .. index, ARGV[3 + index]) end
end
expire()
return 1`;

/** ARGV: life in ms, then of each reservation its lease and amounts. Makes those again that were lost, beyond the limit if need be: they are in use. */
export const RENEW_TOKENS: string = `${OPEN}
for first = 2, #ARGV, ${LIMITS + 1} do
  local amounts = {}
  for index = 1, ${LIMITS} do amounts[index] = ARGV[first + index] end
  hold(ARGV[first], amounts, tonumber(ARGV[1]))
end
expire()
return redis.call('ZCARD', leases)`;
