/**
 * The Lua scripts of the distributed store: what must happen in Redis all at once or not at all. They name no key
 * themselves: every key is handed over, and all of a gateway's keys lie in one slot of a cluster.
 *
 * A record is one field of its kind's hash, `<expiry in ms or nothing>|<JSON>`, with its id in an index sorted by
 * bytes and, when it expires, in a set sorted by expiry. No key has a lifetime of its own, so that a server that runs
 * out of memory has nothing it may drop. Events are entries `<sequence>-0` of a stream: `e` the event as JSON, `n` a
 * random mark that tells entries of the same number apart; an entry without `e` says that the stream was cut.
 */
import { createHash } from "node:crypto";

/** A script with the name that a server which ran it before knows it by. */
export interface Script {
  readonly text: string;
  readonly sha1: string;
}

/** Expired records that one write removes. */
const SWEPT_PER_WRITE = 8;

/** Adds an event (keys 4 and 5: sequence, stream) and wakes the readers; its number, 0 for no event. */
const append = `
  local function append(sequence, stream, event, mark, keep, channel)
    if event == '' then return 0 end
    local number = redis.call('INCR', sequence)
    redis.call('XADD', stream, 'MAXLEN', keep, number .. '-0', 'e', event, 'n', mark)
    redis.call('PUBLISH', channel, number)
    return number
  end
`;

/** The record in force, or false. */
const live = `
  local function live(records, id, now)
    local stored = redis.call('HGET', records, id)
    if not stored then return false end
    local expiry, json = string.match(stored, '^(%d*)|(.*)$')
    if expiry ~= '' and tonumber(expiry) <= now then return false end
    return json
  end
`;

const scripts = {
  /** id, now, expiry, JSON, condition, JSON that must still be there; the event's five. Whether written, number. */
  put: `${append}${live}
    local id, now, expiry = ARGV[1], tonumber(ARGV[2]), ARGV[3]
    local present = live(KEYS[1], id, now)
    if ARGV[5] == 'absent' and present then return {0, 0} end
    if ARGV[5] == 'still' and present ~= ARGV[6] then return {0, 0} end
    redis.call('HSET', KEYS[1], id, expiry .. '|' .. ARGV[4])
    redis.call('ZADD', KEYS[2], 0, id)
    if expiry == '' then
      redis.call('ZREM', KEYS[3], id)
    else
      redis.call('ZADD', KEYS[3], expiry, id)
      for _, old in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', now, 'LIMIT', 0, ${SWEPT_PER_WRITE})) do
        redis.call('HDEL', KEYS[1], old)
        redis.call('ZREM', KEYS[2], old)
        redis.call('ZREM', KEYS[3], old)
      end
    end
    return {1, append(KEYS[4], KEYS[5], ARGV[7], ARGV[8], ARGV[9], ARGV[10])}
  `,
  /** id, now; the event's four. Whether there was one, number of the event. */
  remove: `${append}${live}
    local present = live(KEYS[1], ARGV[1], tonumber(ARGV[2]))
    redis.call('HDEL', KEYS[1], ARGV[1])
    redis.call('ZREM', KEYS[2], ARGV[1])
    redis.call('ZREM', KEYS[3], ARGV[1])
    return {present and 1 or 0, append(KEYS[4], KEYS[5], ARGV[3], ARGV[4], ARGV[5], ARGV[6])}
  `,
  /** id, now. The record that was there, in a list that is empty without one. */
  take: `${live}
    local json = live(KEYS[1], ARGV[1], tonumber(ARGV[2]))
    redis.call('HDEL', KEYS[1], ARGV[1])
    redis.call('ZREM', KEYS[2], ARGV[1])
    redis.call('ZREM', KEYS[3], ARGV[1])
    return json and {json} or {}
  `,
  /** The event's four. Number of the event. */
  append: `${append}
    return append(KEYS[1], KEYS[2], ARGV[1], ARGV[2], ARGV[3], ARGV[4])
  `,
  /** id after which to begin, limit, now. Pairs of id and JSON. */
  list: `${live}
    local found, after, limit = {}, ARGV[1], tonumber(ARGV[2])
    while #found < 2 * limit do
      local ids = redis.call('ZRANGEBYLEX', KEYS[2], '(' .. after, '+', 'LIMIT', 0, limit)
      if #ids == 0 then break end
      for _, id in ipairs(ids) do
        after = id
        local json = live(KEYS[1], id, tonumber(ARGV[3]))
        if json and #found < 2 * limit then
          found[#found + 1] = id
          found[#found + 1] = json
        end
      end
    end
    return found
  `,
  /** Number after which to begin, limit. The last number, then number and event in turn. */
  events: `
    local found = {tonumber(redis.call('GET', KEYS[1]) or '0')}
    for _, entry in ipairs(redis.call('XRANGE', KEYS[2], (tonumber(ARGV[1]) + 1) .. '-0', '+', 'COUNT', ARGV[2])) do
      found[#found + 1] = tonumber(string.match(entry[1], '^%d+'))
      found[#found + 1] = entry[2][1] == 'e' and entry[2][2] or ''
    end
    return found
  `,
  /**
   * A reader's next look: its number, that entry's mark, limit, a mark of its own, entries to keep, channel. Whether
   * the stream still is the one that it read before, the last number and its mark, then number, event and mark in
   * turn. A server that lost events (it was emptied, or a replica that lagged took over) would use their numbers
   * again; the reader that notices raises the number above all it has seen and leaves an entry without event. A stream
   * without entries has a mark too (key 3).
   */
  follow: `
    local function number(entry) return tonumber(string.match(entry[1], '^%d+')) end
    local function event(entry) return #entry[2] == 4 and entry[2][2] or '' end
    local function mark(entry) return entry[2][#entry[2]] end
    local after, last = tonumber(ARGV[1]), tonumber(redis.call('GET', KEYS[1]) or '0')
    local origin = redis.call('GET', KEYS[3])
    if not origin then
      origin = ARGV[4]
      redis.call('SET', KEYS[3], origin)
    end
    local same = after < 0
    if not same and last >= after then
      local known = redis.call('XRANGE', KEYS[2], after .. '-0', after .. '-0')[1]
      same = (known and mark(known) or origin) == ARGV[2]
    end
    if not same and last <= after then
      last = after + 1
      redis.call('SET', KEYS[1], last)
      redis.call('XADD', KEYS[2], 'MAXLEN', ARGV[5], last .. '-0', 'n', ARGV[4])
      redis.call('PUBLISH', ARGV[6], last)
    end
    local newest = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)[1]
    local found = {same and 1 or 0, last, newest and mark(newest) or origin}
    if after < 0 or not same then return found end
    for _, entry in ipairs(redis.call('XRANGE', KEYS[2], (after + 1) .. '-0', '+', 'COUNT', ARGV[3])) do
      found[#found + 1] = number(entry)
      found[#found + 1] = event(entry)
      found[#found + 1] = mark(entry)
    end
    return found
  `,
} as const;
/** The scripts by name. */
export type Scripts = Readonly<Record<keyof typeof scripts, Script>>;

/** Computes the digests. */
export function prepareScripts(): Scripts {
  const prepare = (text: string): Script => ({ text, sha1: createHash("sha1").update(text).digest("hex") });
  return {
    put: prepare(scripts.put),
    remove: prepare(scripts.remove),
    take: prepare(scripts.take),
    append: prepare(scripts.append),
    list: prepare(scripts.list),
    events: prepare(scripts.events),
    follow: prepare(scripts.follow),
  };
}
