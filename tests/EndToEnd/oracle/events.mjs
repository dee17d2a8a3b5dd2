// What a record must become, by the rules of the event schema, independent of the decoder under test: either the columns of a valid event
// or the reason why it is none.
const DAY = 86_400_000;
// Column and the JSON names it may have, the first that has a value counts.
const STRINGS = {
  event_id: ['event_id', '_event_id'], event_type: ['event_type', 'action'], user_id: ['user_id'], session_id: ['session_id'],
  product_id: ['product_id'], product_name: ['product_name'], category: ['category'], device_type: ['device_type'], country: ['country'],
  page: ['page'], element: ['element'],
};
const NUMBERS = { price: ['price'], quantity: ['quantity'], revenue: ['revenue', 'amount'] };
const TIME = ['timestamp', '_event_time', 'ts'];
const REQUIRED = ['event_id', 'event_type', 'user_id'];
const IDS = ['event_id', 'user_id', 'session_id', 'product_id'];
const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;
const CATEGORIES = { engagement: ['page_view', 'view', 'scroll'], interaction: ['click', 'hover'], conversion: ['purchase', 'add_to_cart'] };
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Bounds that the rules state: bytes of a value, nesting, how far in the future an event may lie, and the span of years that is believed. */
export const LIMITS = { valueBytes: 256 * 1024, depth: 64, futureMs: DAY, latestMs: 253_402_300_800_000 };

/** @returns {{reason: string} | {event: object}} */
export function judge(value, now) {
  if (value === null) return { reason: 'tombstone' };
  if (value.length > LIMITS.valueBytes) return { reason: 'too_large' };
  let text, json;
  try { text = utf8.decode(value); } catch { return { reason: 'invalid_utf8' }; }
  if (depth(text) > LIMITS.depth) return { reason: 'too_deep' };
  try { json = JSON.parse(text); } catch { return { reason: 'invalid_json' }; }
  if (json === null || typeof json !== 'object' || Array.isArray(json)) return { reason: 'not_an_object' };
  return fields(json, now);
}

function fields(json, now) {
  const event = {}, used = new Set();
  // Where a field has several names, an empty string counts as absent, as in every required field.
  const take = (names, skipEmpty) => {
    const found = names.find(n => json[n] !== null && json[n] !== undefined && !(skipEmpty && json[n] === ''));
    if (found !== undefined) used.add(found);
    return found === undefined ? null : json[found];
  };
  const text = column => {
    const required = REQUIRED.includes(column);
    const value = take(STRINGS[column], required);
    if (value === null) return required ? `missing_${column}` : null;
    event[column] = typeof value === 'number' && IDS.includes(column) && Number.isInteger(value) ? String(value) : value;
    return typeof event[column] === 'string' ? null : `invalid_${column}`;
  };
  const time = () => {
    const found = eventTime(take(['timestamp', '_event_time'], true) ?? take(['ts'], true), now);
    event.event_time = found.us;
    return found.reason ?? null;
  };
  const number = column => {
    const value = take(NUMBERS[column], false);
    if (value === null) return null;
    event[column] = value;
    const valid = typeof value === 'number' || typeof value === 'string' && NUMBER.test(value);
    return valid && (column === 'quantity' ? Number.isSafeInteger(Number(value)) : Math.abs(Number(value)) < 1e14) ? null : `invalid_${column}`;
  };
  const optional = Object.keys(STRINGS).filter(c => !REQUIRED.includes(c));
  const reason = text('event_id') ?? text('event_type') ?? time() ?? text('user_id')
    ?? optional.map(text).find(r => r) ?? Object.keys(NUMBERS).map(number).find(r => r);
  if (reason) return { reason };
  if (event.quantity !== undefined) event.quantity = Number(event.quantity);
  const rest = Object.entries(json).filter(([key, value]) => !used.has(key) && !(isKnown(key) && value === null));
  event.extra = rest.length ? canonical(Object.fromEntries(rest)) : null;
  event.action_category = Object.keys(CATEGORIES).find(c => CATEGORIES[c].includes(event.event_type)) ?? 'other';
  return { event };
}

const isKnown = key => TIME.includes(key) || [...Object.values(STRINGS), ...Object.values(NUMBERS)].some(names => names.includes(key));

/** JSON text with sorted names: equal values have equal text. */
export function canonical(value) {
  return JSON.stringify(value, (_, v) => v && typeof v === 'object' && !Array.isArray(v)
    ? Object.fromEntries(Object.entries(v).sort(([a], [b]) => a < b ? -1 : 1)) : v);
}

/** Microseconds since 1970 UTC, or the reason why there are none. */
function eventTime(value, now) {
  if (value === null) return { reason: 'missing_event_time' };
  let us = typeof value === 'string' ? isoTime(value) : null;
  if (us === null && (typeof value === 'number' || NUMBER.test(value))) {
    if (!Number.isSafeInteger(Math.trunc(Number(value) * 1000))) return { reason: 'event_time_out_of_range' };
    us = BigInt(Math.round(Number(value) * 1000));
  }
  if (us === null) return { reason: 'invalid_event_time' };
  if (us < 0n || us >= BigInt(LIMITS.latestMs) * 1000n) return { reason: 'event_time_out_of_range' };
  return us > BigInt(now + LIMITS.futureMs) * 1000n ? { reason: 'event_time_in_future' } : { us };
}

function isoTime(text) {
  const parts = /^(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(Z|[+-]\d\d:?\d\d)?$/.exec(text);
  if (!parts) return null;
  const [year, month, day, hour, minute, second] = parts.slice(1, 7).map(Number);
  if (month < 1 || month > 12 || day < 1 || new Date(Date.UTC(year, month, 0)).getUTCDate() < day || hour > 23 || minute > 59 || second > 59) return null;
  const zone = /([+-])(\d\d):?(\d\d)$/.exec(parts[8] ?? '');
  const shiftMinutes = zone ? (zone[1] === '-' ? -1 : 1) * (Number(zone[2]) * 60 + Number(zone[3])) : 0;
  const ms = Date.UTC(year, month - 1, day, hour, minute, second) - shiftMinutes * 60_000;
  return BigInt(ms) * 1000n + BigInt((parts[7] ?? '').padEnd(6, '0').slice(0, 6));
}

/** Greatest nesting of brackets outside strings. */
function depth(text) {
  let open = 0, most = 0, quoted = false;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (quoted) { if (c === 92) i++; else if (c === 34) quoted = false; }
    else if (c === 34) quoted = true;
    else if (c === 123 || c === 91) { if (++open > most) most = open; }
    else if (c === 125 || c === 93) open--;
  }
  return most;
}
