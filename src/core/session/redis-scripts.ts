/**
 * What the Redis store has the server do, each as one atomic step. Time is the server's, so that processes whose clocks differ agree on what has expired.
 *
 * A session is a hash: `v` its version, `d` its data, `w` who wrote last, `c` who created it; the server lets it expire. Beside them stands one sorted set of ids by the
 * time at which they expire: the server does not tell of keys that expired, and cannot count them.
 */

const NOW = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)`;

/** KEYS: session, index. ARGV: id, ttl, create (1 or 0), creator, most sessions (0: any number), evict (1 or 0), prefix of sessions. */
export const OPEN = `${NOW}
local id, ttl = ARGV[1], tonumber(ARGV[2])
local version = redis.call('HGET', KEYS[1], 'v')
local created, evicted = false, false
if version then
  created = version == '0' and redis.call('HGET', KEYS[1], 'c') == ARGV[4]
else
  if ARGV[3] ~= '1' then return {'missing'} end
  local most = tonumber(ARGV[5])
  if most > 0 and redis.call('ZCOUNT', KEYS[2], now, '+inf') >= most then
    if ARGV[6] ~= '1' then return {'full'} end
    evicted = redis.call('ZRANGEBYSCORE', KEYS[2], now, '+inf', 'LIMIT', 0, 1)[1]
    redis.call('DEL', ARGV[7] .. evicted)
    redis.call('ZREM', KEYS[2], evicted)
  end
  version = '0'
  created = true
  redis.call('HSET', KEYS[1], 'v', version, 'c', ARGV[4])
end
redis.call('PEXPIRE', KEYS[1], ttl)
redis.call('ZADD', KEYS[2], now + ttl, id)
return {created and 'created' or 'opened', version, redis.call('HGET', KEYS[1], 'd'), evicted}`;

/** KEYS: session, index. ARGV: id, ttl, version it was made from, data, writer. */
export const WRITE = `${NOW}
local ttl = tonumber(ARGV[2])
local version = redis.call('HGET', KEYS[1], 'v')
if not version then return 'gone' end
if redis.call('HGET', KEYS[1], 'w') ~= ARGV[5] then
  if version ~= ARGV[3] then return 'conflict' end
  redis.call('HSET', KEYS[1], 'v', version + 1, 'd', ARGV[4], 'w', ARGV[5])
end
redis.call('PEXPIRE', KEYS[1], ttl)
redis.call('ZADD', KEYS[2], now + ttl, ARGV[1])
return 'written'`;

/** KEYS: session, index. ARGV: id. */
export const REMOVE = `
redis.call('ZREM', KEYS[2], ARGV[1])
return redis.call('DEL', KEYS[1])`;

/** KEYS: index. ARGV: most ids at a time. Whoever takes an id out tells of it, so that each end is told once, however many processes sweep. */
export const SWEEP = `${NOW}
local ended = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, tonumber(ARGV[1]))
if #ended > 0 then redis.call('ZREM', KEYS[1], unpack(ended)) end
return {redis.call('ZCARD', KEYS[1]), ended}`;
