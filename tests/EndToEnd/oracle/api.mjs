#!/usr/bin/env node
// Asks the API of a pipeline that is running, and compares what it answers with the Delta tables, read by their log and DuckDB, and with its own OpenAPI document.
//   node api.mjs --address URL --key KEY --program FILE --data DIR --work DIR --docs FILE
// The program exports tables from the running pipeline. Exit code 0: all as it must be; 1: differences, listed; 2: it could not be checked.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { Contract } from './api-contract.mjs';
import { examples } from './api-examples.mjs';
import { load, snapshot } from './delta.mjs';
import { name, open } from './sql.mjs';

const options = Object.fromEntries(process.argv.slice(2).flatMap((a, i, all) => a.startsWith('--') ? [[a.slice(2), all[i + 1]]] : []));
const TABLES = ['revenue_by_category', 'category_views', 'top_products', 'purchases', 'user_sessions', 'fraud_alerts', 'abandoned_views'];
const faults = [];
const check = (fine, what) => { if (!fine) faults.push(what); };

/** Numbers as their digits: a decimal must not become a double on the way. */
const exact = text => JSON.parse(text.replace(/("(?:[^"\\]|\\.)*")|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)/g, (_, string, number) => string ?? `"${number}"`));

async function ask(address, { headers = {}, method = 'GET', key = options.key, expect = 200 } = {}) {
  const answer = await fetch(options.address + address, { method, headers: { ...(key ? { 'x-functions-key': key } : {}), ...headers } });
  const text = await answer.text();
  contract.saw(method, address, answer, text);
  check(answer.status === expect, `${method} ${address} answered ${answer.status}, not ${expect}: ${text.slice(0, 200)}`);
  return { answer, text, json: (answer.headers.get('content-type') ?? '').includes('json') && text ? exact(text) : null };
}

const contract = new Contract(JSON.parse(await (await fetch(`${options.address}/api/openapi.json`, { headers: { 'x-functions-key': options.key } })).text()), check);
await contract.validate();

const outputs = new Map((await ask('/api/queries')).json.map(card => [card.name, card]));

/** A value in the one form that both sides are brought to. */
function plain(column, value) {
  if (value === null || value === undefined) return null;
  if (column.type === 'timestamp') return micros(value);
  if (column.type === 'double') return String(Number(value));
  return String(value);
}

function micros(time) {
  const [, seconds, fraction = ''] = /^(.*?)(?:\.(\d+))?Z$/.exec(time);
  return String(BigInt(Date.parse(seconds + 'Z')) * 1000n + BigInt(fraction.padEnd(6, '0').slice(0, 6)));
}

const line = (card, row) => JSON.stringify(card.columns.map(c => plain(c, row[c.name])));
const keyOf = (card, row) => JSON.stringify([...(card.time_column ? [card.time_column] : []), ...card.keys].map(k => row[k] ?? null));

/** Rows of every table as Delta has them now, read from a copy of the files. */
async function delta(into) {
  const db = await open(), rows = new Map();
  for (const table of TABLES) {
    const folder = path.join(options.work, into, table), card = outputs.get(table);
    execFileSync(options.program, ['export', `gold/${table}`, folder, '--data', options.data], { stdio: ['ignore', 'ignore', 'inherit'] });
    const state = await snapshot(db, folder);
    await load(db, state, table);
    const columns = card.columns.map(c => c.type === 'timestamp' ? `epoch_us(${name(c.name)})::VARCHAR as ${name(c.name)}` : c.type === 'double' ? name(c.name) : `${name(c.name)}::VARCHAR as ${name(c.name)}`);
    rows.set(table, (await db.rows(`select ${columns.join(', ')} from ${name(table)}`)).map(row => ({
      row, line: JSON.stringify(card.columns.map(c => row[c.name] === null ? null : c.type === 'double' ? String(Number(row[c.name])) : row[c.name])),
    })));
  }
  db.close();
  return rows;
}

/** All pages from an address on, each after the last; newest first and no row twice. */
async function pages(table, parameters) {
  const card = outputs.get(table), rows = [], seen = new Set();
  let count = 0;
  for (let next = `/api/queries/${table}?${parameters}`; next; count++) {
    const { json } = await ask(next);
    if (!json?.rows) break;
    rows.push(...json.rows);
    next = json.next;
  }
  for (const row of rows) {
    const key = keyOf(card, row);
    check(!seen.has(key), `${table}?${parameters}: ${key} comes twice`);
    seen.add(key);
  }
  if (card.time_column)
    for (let i = 1; i < rows.length; i++)
      check(BigInt(micros(rows[i - 1][card.time_column])) / 1000n >= BigInt(micros(rows[i][card.time_column])) / 1000n, `${table}?${parameters}: row ${i} is newer than the one before`);
  return { rows, count };
}

function subset(what, inner, outer) {
  const there = new Set(outer);
  const missing = inner.filter(l => !there.has(l));
  check(missing.length === 0, `${what}: ${missing.length} of ${inner.length} rows are missing, the first ${missing[0]}`);
}

/** CSV as RFC 4180 has it. */
function csv(text) {
  const rows = [[]];
  let field = '', quoted = false;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (quoted) { if (c !== '"') field += c; else if (text[i + 1] === '"') { field += c; i++; } else quoted = false; }
    else if (c === '"') quoted = true;
    else if (c === ',') { rows.at(-1).push(field); field = ''; }
    else if (c === '\n') { rows.at(-1).push(field.replace(/\r$/, '')); field = ''; rows.push([]); }
    else field += c;
  }
  const [header, ...body] = rows.slice(0, -1);
  return body.map(values => Object.fromEntries(header.map((h, i) => [h, values[i]])));
}

async function rowsEqualDelta(before) {
  const paged = new Map();
  let most = 0;
  for (const table of TABLES) {
    const { rows, count } = await pages(table, 'limit=60');
    paged.set(table, rows);
    most = Math.max(most, count);
    // What was in Delta before the first page was asked for is there once, with the same values.
    subset(`rows of ${table}`, before.get(table).map(r => r.line), rows.filter(r => r.is_final).map(r => line(outputs.get(table), r)));
    if (outputs.get(table).links.delta) {
      const { rows: fromDelta } = await pages(table, 'source=delta&limit=250');
      subset(`rows of ${table} from Delta`, before.get(table).map(r => r.line), fromDelta.map(r => line(outputs.get(table), r)));
    }
  }
  check(most >= 4, `No table had more than ${most} pages`);
  return paged;
}

/** The same rows as CSV, page by page over the header Link. */
async function csvEqualsJson(paged) {
  for (const table of TABLES) {
    const card = outputs.get(table), rows = [];
    for (let next = `/api/queries/${table}?limit=300`; next;) {
      const { answer, text } = await ask(next, { headers: { accept: 'text/csv' } });
      rows.push(...csv(text));
      next = /<([^>]+)>; rel="next"/.exec(answer.headers.get('link') ?? '')?.[1];
    }
    const form = (c, value) => value === null ? '' : c.type === 'string' && /^[=+\-@\t\r]/.test(value) ? "'" + value : String(value);
    const known = new Map(rows.map(r => [JSON.stringify(card.columns.map(c => r[c.name])), r]));
    for (const row of paged.get(table).filter(r => r.is_final))
      check(known.get(JSON.stringify(card.columns.map(c => form(c, row[c.name] ?? null))))?.is_final === 'true', `CSV of ${table} lacks ${JSON.stringify(row)}`);
  }
}

/** Bounds of time in another zone, and keys of any text, against a filter over Delta. */
async function conditions(before) {
  const rows = before.get('revenue_by_category').map(r => r.row), times = [...new Set(rows.map(r => BigInt(r.window_start)))].sort((a, b) => (a < b ? -1 : 1));
  const [from, to] = [times[Math.floor(times.length / 4)], times[Math.floor(times.length / 2)]];
  const zoned = (us, hours) => new Date(Number(us / 1000n) + hours * 3600_000).toISOString().replace('Z', `${hours < 0 ? '-' : '+'}${String(Math.abs(hours)).padStart(2, '0')}:00`);
  const within = before.get('revenue_by_category').filter(r => BigInt(r.row.window_start) >= from && BigInt(r.row.window_start) < to);
  check(within.length > 10, `Only ${within.length} rows lie between the bounds`);
  for (const [a, b] of [[zoned(from, 9), zoned(to, -7)], [zoned(from, 0), zoned(to, 5)]]) {
    const { rows: got } = await pages('revenue_by_category', `from=${encodeURIComponent(a)}&to=${b}&limit=40`);
    check(JSON.stringify(got.map(r => line(outputs.get('revenue_by_category'), r)).sort()) === JSON.stringify(within.map(r => r.line).sort()), `Rows from ${a} to ${b} are not those of Delta`);
  }
  const categories = [...new Set(rows.map(r => r.category))].filter(c => c !== null);
  check(categories.some(c => /[/%'"]/.test(c)), 'No category means harm');
  for (const category of categories) {
    const { rows: got } = await pages('revenue_by_category', `key=${encodeURIComponent(`category:${category}`)}&limit=100`);
    check(got.every(r => r.category === category), `Rows of ${category} are of another category`);
    subset(`rows of category ${category}`, before.get('revenue_by_category').filter(r => r.row.category === category).map(r => r.line), got.map(r => line(outputs.get('revenue_by_category'), r)));
  }
}

async function users(before) {
  const by = rows => rows.reduce((all, r) => all.set(r.row.user_id, [...(all.get(r.row.user_id) ?? []), r]), new Map());
  const alerts = by(before.get('fraud_alerts')), sessions = by(before.get('user_sessions')), purchases = by(before.get('purchases'));
  check(alerts.size > 5, `Only ${alerts.size} users have alerts`);
  check([...sessions.keys()].some(u => /[/%]/.test(u)), 'No user means harm');
  for (const [user, rows] of alerts) {
    const { json } = await ask(`/api/fraud/${encodeURIComponent(user)}`);
    subset(`alerts of ${user}`, rows.toSorted((a, b) => (BigInt(a.row.event_time) < BigInt(b.row.event_time) ? 1 : -1)).slice(0, 50).map(r => `${r.row.rule} ${r.row.event_id}`), json.reasons.map(r => `${r.rule} ${r.event_id}`));
    const score = 1 - json.reasons.reduce((left, r) => left * (r.severity === 'critical' ? 0.1 : 0.5), 1);
    check(Math.abs(Number(json.score) - score) < 1e-3, `The score of ${user} is ${json.score}, not ${score}`);
    check(json.verdict === (score > 0.8999 ? 'block' : score >= 0.5 ? 'review' : 'allow'), `The verdict on ${user} is ${json.verdict} at ${score}`);
  }
  const regular = [...purchases.keys()].filter(u => purchases.get(u).length >= 8).slice(0, 3);
  check(regular.length > 0, 'Nobody has bought eight times');
  for (const user of regular) {
    const { json } = await ask(`/api/fraud/${encodeURIComponent(user)}?amount=99999.5`);
    check(json.verdict === 'block' && json.reasons[0].rule === 'unusual_amount_for_user' && json.reasons[0].event_id === null, `A huge purchase of ${user} is judged ${json.verdict}`);
  }
  const asked = [...sessions.keys()].filter(u => /[^\w]/.test(u)).concat([...sessions.keys()].slice(0, 20));
  for (const user of asked) {
    const { json } = await ask(`/api/sessions/${encodeURIComponent(user)}?limit=1000`);
    check(json.user === user, `Sessions of ${user} are said to be of ${json.user}`);
    subset(`sessions of ${user}`, sessions.get(user).map(r => r.line), json.sessions.map(r => line(outputs.get('user_sessions'), r)));
  }
  for (const user of asked.slice(0, 5)) {
    const { json } = await ask(`/api/users/${encodeURIComponent(user)}/recommendations?limit=50`);
    const bought = new Set((purchases.get(user) ?? []).map(r => r.row.product_id));
    check(json.products.every(p => !bought.has(p.product_id)), `${user} is told to buy again`);
    await ask(`/api/sessions/${encodeURIComponent(user)}?open=true&limit=1`);
  }
  const { json: also } = await ask('/api/queries/also_viewed?limit=1000');
  check(also.rows.some(r => /[/%]/.test(r.product_id)), 'No product means harm');
  for (const row of also.rows.filter(r => /[^\w]/.test(r.product_id)).concat(also.rows.slice(0, 5))) {
    const { json } = await ask(`/api/products/${encodeURIComponent(row.product_id)}/also`);
    check(json.product_id === row.product_id && json.also_viewed.length > 0, `Nothing goes with ${row.product_id}`);
  }
}

async function manners() {
  const { answer } = await ask('/api/queries/daily_revenue');
  for (const tag of [answer.headers.get('etag'), '*']) {
    const again = await ask('/api/queries/event_counts?from=2020-01-01&to=2020-01-02', { headers: { 'if-none-match': tag === '*' ? '*' : (await ask('/api/queries/event_counts?from=2020-01-01&to=2020-01-02')).answer.headers.get('etag') }, expect: 304 });
    check(again.text === '', 'A 304 has a body');
  }
  check((await ask('/api/queries', { method: 'HEAD' })).text === '', 'A HEAD has a body');
  for (const [address, status, headers] of [
    ['/api/queries/none', 404], ['/api/queries/purchases?limit=0', 400], ['/api/queries/purchases', 406, { accept: 'image/png' }], ['/api/fraud/u?amount=x', 400],
    ['/api/alerts?severity=x', 400], ['/api/sessions/u?from=x', 400], ['/api/products/no%2Fsuch/also', 404], ['/api/users/u/recommendations?limit=0', 400], ['/api/timeline', 400], ['/api/products/x/also?limit=1', 400],
    ['/api/queries?x=1', 400], ['/api/tables?x=1', 400], ['/api/tables/gold/purchases?x=1', 400], ['/api/openapi.json?x=1', 400], ['/api/tables/gold/none', 404], ['/api/quarantine?x=1', 400],
    ['/api/quarantine?topic=sensors', 404],
  ]) {
    const { json, answer: bad } = await ask(address, { expect: status, headers });
    check(bad.headers.get('content-type')?.startsWith('application/problem+json') && json?.detail?.endsWith('.') && Number(json.status) === status, `${address} is no proper problem: ${JSON.stringify(json)}`);
  }
  await ask('/api/queries', { key: null, expect: 401 });
  for (const address of ['/api/overview', '/api/status', '/api/progress', '/api/entities', '/api/partitions', '/api/tables', '/api/tables/gold/purchases', '/api/timeline?user=u000001', '/api/quarantine', '/api/alerts', '/api/openapi.json'])
    await ask(address);
  await ask('/api/health', { key: null });
}

// What was found wrong by then says why something is not there to go on with.
process.on('uncaughtException', e => { console.error([...faults.slice(0, 20), e.stack].join('\n')); process.exit(2); });

const before = await delta('before');
for (const table of TABLES) check(before.get(table).length > 0, `gold/${table} is empty, so nothing is compared`);
const paged = await rowsEqualDelta(before);
await csvEqualsJson(paged);
await conditions(before);
await users(before);
await manners();
await examples(options, check);
contract.complete();
// What was answered as final is in Delta, though it may have been answered before it was there.
for (let attempt = 0; ; attempt++) {
  const after = await delta(`after${attempt}`);
  const lacking = TABLES.filter(t => { const there = new Set(after.get(t).map(r => r.line)); return paged.get(t).some(r => r.is_final && !there.has(line(outputs.get(t), r))); });
  if (lacking.length === 0) break;
  if (attempt === 5) { check(false, `Rows of ${lacking.join(', ')} were answered as final and are not in Delta`); break; }
  await new Promise(wait => setTimeout(wait, 2000));
}
console.log(`${contract.count} answers, ${TABLES.map(t => `${paged.get(t).length} rows of ${t}`).join(', ')}`);
if (faults.length > 0) console.error(faults.slice(0, 40).join('\n'));
process.exitCode = faults.length > 0 ? 1 : 0;
