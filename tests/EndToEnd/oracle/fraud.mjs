// What is suspicious in a user's purchases, one after the other in the order of the topic, and in those of a category within a partition.
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const SECOND = 1_000_000, HOUR = 3600 * SECOND, DAY = 24 * HOUR;
const USER = { kept: 50, known: 8, warning: 3.5, critical: 8 }, CATEGORY = { kept: 200, known: 50, warning: 7, critical: 16 };

// The one thing that is shared with the program: where countries are.
const PLACES = path.join(path.dirname(fileURLToPath(import.meta.url)), '../../../src/Domain/Clickstream/Streams/Countries.cs');

/** @returns rows of gold/fraud_alerts; evidence as an object in JSON. */
export async function fraudAlerts(db) {
  const places = countries(), users = new Map(), categories = new Map(), found = [];
  const rows = await db.rows(`select kafka_partition, user_id, event_id, epoch_us(event_time) as us, category, revenue, country
    from events where event_type = 'purchase' order by kafka_partition, kafka_offset`);
  for (const row of rows) {
    const purchase = { ...row, us: Number(row.us), amount: row.revenue === null ? null : Number(row.revenue) };
    const alert = (rule, severity, score, evidence) =>
      found.push([{ us: purchase.us }, rule, severity, score, purchase.user_id, purchase.event_id, purchase.revenue, JSON.stringify(evidence)]);
    let user = users.get(purchase.user_id);
    if (!user || purchase.us - user.newest >= 90 * DAY) users.set(purchase.user_id, user = { newest: purchase.us, times: [], amounts: [], burst: false, place: null });
    user.newest = Math.max(user.newest, purchase.us);
    rapid(user, purchase, alert);
    if (purchase.amount !== null) unusual(user.amounts, purchase.amount, USER, 'unusual_amount_for_user', {}, alert);
    travel(user, purchase, places, alert);
    if (purchase.category === null) continue;
    const key = `${purchase.kafka_partition} ${purchase.category}`;
    let category = categories.get(key);
    if (!category || purchase.us > category.newest + 90 * DAY) categories.set(key, category = { newest: purchase.us, amounts: [] });
    category.newest = Math.max(category.newest, purchase.us);
    if (purchase.amount === null) continue;
    unusual(category.amounts, purchase.amount, CATEGORY, 'unusual_amount_for_category', { category: purchase.category }, alert);
  }
  return found;
}

function rapid(user, purchase, alert) {
  user.times.push(purchase.us);
  const newest = Math.max(...user.times);
  user.times = user.times.filter(t => t > newest - 60 * SECOND);
  const many = user.times.length >= 5;
  if (many && !user.burst) alert('rapid_transactions', 'warning', user.times.length, { purchases: user.times.length, within_seconds: 60 });
  user.burst = many;
}

function unusual(amounts, amount, rule, title, about, alert) {
  if (amounts.length >= rule.known) {
    const middle = median(amounts), deviation = Math.max(median(amounts.map(a => Math.abs(a - middle))), Math.abs(middle) / 20, 0.01);
    const score = 0.6745 * (amount - middle) / deviation;
    if (score >= rule.warning) alert(title, score >= rule.critical ? 'critical' : 'warning', score, { ...about, amount, median: middle, purchases: amounts.length });
  }
  amounts.push(amount);
  if (amounts.length > rule.kept) amounts.shift();
}

function travel(user, purchase, places, alert) {
  if (purchase.country === null) return;
  const from = user.place;
  if (from) {
    const kilometres = distance(places.get(from.country.toLowerCase()), places.get(purchase.country.toLowerCase()));
    const hours = Math.abs(purchase.us - from.us) / HOUR, speed = (kilometres - 300) / Math.max(hours, 1 / 60);
    if (speed > 1000) alert('impossible_travel', 'critical', speed / 1000, { from: from.country, to: purchase.country, kilometres, minutes: Math.max(hours * 60, 1) });
  }
  if (!from || purchase.us >= from.us) user.place = { country: purchase.country, us: purchase.us };
}

function median(values) {
  const sorted = values.toSorted((a, b) => a - b), half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

/** Great circle in km by the haversine formula; NaN where a place is not known. */
function distance(a, b) {
  if (!a || !b) return NaN;
  const [latitudeA, longitudeA, latitudeB, longitudeB] = [...a, ...b].map(d => d * Math.PI / 180);
  const h = Math.sin((latitudeB - latitudeA) / 2) ** 2 + Math.cos(latitudeA) * Math.cos(latitudeB) * Math.sin((longitudeB - longitudeA) / 2) ** 2;
  return 2 * 6371 * Math.asin(Math.sqrt(h));
}

function countries() {
  const text = fs.readFileSync(PLACES, 'utf8'), places = new Map();
  for (const [, code, title, latitude, longitude] of text.matchAll(/Add\("(\w+)", "([^"]+)", (-?[\d.]+), (-?[\d.]+)\)/g))
    for (const key of [code, title]) places.set(key.toLowerCase(), [Number(latitude), Number(longitude)]);
  for (const [, other, known] of text.matchAll(/\("([^"]+)", "([A-Z]{2})"\)/g)) places.set(other.toLowerCase(), places.get(known.toLowerCase()));
  if (places.size < 100) throw new Error(`${PLACES} names only ${places.size} countries; its form has changed`);
  return places;
}

/** Evidence as values: numbers within their rounding, amounts without regard to trailing zeros. Both tables then get the same text. */
export async function sameEvidence(v, db, expected, actual) {
  const of = async table => new Map((await db.rows(`select rule, event_id, evidence from "${table}"`)).map(r => [`${r.rule} ${r.event_id}`, JSON.parse(r.evidence)]));
  const wanted = await of(expected), given = await of(actual), wrong = [];
  const slack = { kilometres: 1, minutes: 0.1 };
  const equal = (key, a, b) => typeof a === 'number' ? Math.abs(a - Number(b)) <= (slack[key] ?? 1e-4) : a === b;
  for (const [key, evidence] of wanted) {
    const other = given.get(key);
    if (other && (Object.keys(evidence).join() !== Object.keys(other).join() || !Object.keys(evidence).every(k => equal(k, evidence[k], other[k]))))
      wrong.push({ key, expected: evidence, actual: other });
  }
  v.add('gold/fraud_alerts: evidence as values', wrong.length, wrong.slice(0, 5));
  for (const table of [expected, actual]) await db.run(`update "${table}" set evidence = ''`);
}
