/*
 * A client's places are a sorted set in Redis: member = lease, score = when it expires by Redis's own clock. So replicas need no common
 * clock, and the places of a replica that died free themselves. Each script is one atomic step on one key.
 */

const EXPIRE_LATE = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)`;

/** KEYS: the set. ARGV: limit, life in ms, lease. Returns 1 when the place was taken. */
export const TAKE_PLACE: string = `${EXPIRE_LATE}
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[1]) then return 0 end
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1`;

/** KEYS: the set. ARGV: life in ms, leases… Takes the places again where they were lost, beyond the limit if need be: they are in use. */
export const RENEW_PLACES: string = `${EXPIRE_LATE}
for index = 2, #ARGV do redis.call('ZADD', KEYS[1], now + ARGV[1], ARGV[index]) end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return redis.call('ZCARD', KEYS[1])`;
