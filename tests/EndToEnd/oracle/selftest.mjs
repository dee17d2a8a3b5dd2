#!/usr/bin/env node
// Does the oracle notice? Plays two runs of a small pipeline in plain JavaScript, writes what it must leave as Delta tables, and lets the
// oracle check them: first untouched, then once per fault, each of which must be found by the check that is there for it.
//   node selftest.mjs INPUT1 INPUT2 INPUT3       (files of JSON lines, the second with events older than the first; the third, where nothing
//                                                is late, is a run of its own, in which the streams are compared)
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { judge } from './events.mjs';
import { lines } from './input.mjs';
import { CLOSING_MS, HORIZON_MS, QUERIES, assignments, result } from './queries.mjs';
import { name, open } from './sql.mjs';
import { compute, STREAMS } from './streams.mjs';

const PARTITIONS = 3, BATCH = 200;
const EVENT = ['event_id', 'event_type', 'action_category', 'event_time', 'user_id', 'session_id', 'product_id', 'product_name', 'category', 'price', 'quantity',
  'revenue', 'device_type', 'country', 'page', 'element', 'extra'];

const NO_EVENT = Object.fromEntries(EVENT.map(c => [c, null]));

const FAULTS = [
  ['a record lost in bronze', 'delete from bronze where rowid = 17', /bronze: no offset left out|bronze: the bytes/],
  ['a record twice in bronze', 'insert into bronze select * from bronze limit 1', /bronze: one row per offset/],
  ['a byte changed in bronze', "update bronze set value = encode('{}') where rowid = 5", /bronze: the bytes/],
  ['an event lost in silver', 'delete from silver where rowid = 11', /every record in one of them/],
  ['an event twice in silver', 'insert into silver select * from silver limit 1', /every record in one of them/],
  ['a duplicate kept', `insert into silver select s.* replace (d.kafka_offset as kafka_offset)
     from silver s join (select * from dropped limit 1) d on s.event_id = d.event_id and s.kafka_partition = d.kafka_partition`, /duplicates only beyond the horizon/],
  ['an event replaced by another', 'update silver set event_id = (select max(event_id) from silver) where rowid = 3', /silver: the valid events/],
  ['a cent lost', 'update silver set revenue = revenue - 0.01 where rowid = (select min(rowid) from silver where revenue is not null)', /silver: the valid events/],
  ['two events exchanged', `update silver set kafka_offset = case rowid when 1 then (select kafka_offset from silver where rowid = 2) else (select kafka_offset from silver where rowid = 1) end,
     kafka_partition = case rowid when 1 then (select kafka_partition from silver where rowid = 2) else (select kafka_partition from silver where rowid = 1) end where rowid in (1, 2)`, /at the offset of its record/],
  ['a wrong category of action', "update silver set action_category = 'other' where rowid = (select min(rowid) from silver where event_type = 'purchase')", /silver: the valid events/],
  ['a wrong day', "update silver set event_date = event_date + 1 where rowid = 9", /event_date/],
  ['a wrong reason', "update quarantine set reason = 'invalid_json' where reason <> 'invalid_json'", /quarantine: the broken records/],
  ['a wrong origin', 'update quarantine set kafka_offset = kafka_offset + 1', /every record in one of them|quarantine: the origin/],
  ['a count too high', 'update category_views set view_count = view_count + 1 where rowid = 0', /category_views: view_count/],
  ['a window missing', 'delete from country_revenue where rowid = 0', /country_revenue: rows missing/],
  ['a window twice', 'insert into conversion_funnel select * from conversion_funnel limit 1', /conversion_funnel: one row per key/],
  ['a group without a key missing', 'delete from category_views where category is null', /category_views: rows missing/],
  ['money as a double', 'alter table revenue_by_category alter total_revenue type DOUBLE', /revenue_by_category: columns/],
  ['an average off by a billionth of ten', 'update revenue_by_category set avg_order_value = avg_order_value * (1 + 1e-8)', /revenue_by_category: avg_order_value/],
  ['a rank too low', 'update top_products set rank = rank + 1 where rowid = 0', /top_products: rank/],
  ['the second product instead of the first', `update top_products set product_id = (select max(product_id) || 'x' from top_products) where rank = 1`, /top_products: rows (missing|unexpected)/],
  ['one row too many in a top', 'insert into active_users select window_start, window_end, 11, user_id || \'x\', events, last_seen from active_users limit 1', /active_users: rows unexpected/],
  ['a user below the bar', `update high_value_users set user_id = user_id || 'x' where rowid = 0`, /high_value_users: rows (missing|unexpected)/],
  ['a product not bought', `update high_value_users set products_bought = '["x"]' where rowid = 0`, /high_value_users: products_bought/],
  ['views of the wrong hour', 'update trending_categories set views = views_before, views_before = views', /trending_categories: views/],
  ['a day without its revenue', 'update daily_revenue set revenue = null', /daily_revenue: revenue/],
  ['an hour\'s average off', 'update hourly_purchases set average_purchase = average_purchase + 0.01', /hourly_purchases: average_purchase/],
  ['a cart uncounted', 'update product_activity set carts = carts + 1 where rowid = 0', /product_activity: carts/],
  ['a minute without revenue left empty', 'update realtime_dashboard set revenue = null where revenue = 0', /realtime_dashboard: revenue/],
  ['a type uncounted', "delete from event_counts where event_type = 'purchase'", /event_counts: rows missing/],
  ['an actor uncounted', 'update action_counts set users = users - 1 where rowid = 0', /action_counts: users/],
  ['a session shared by nobody', "insert into session_users select window_start, window_end, 's', 2, 1, 1 from active_users limit 1", /session_users: rows unexpected/],
  ['a rate missing', 'update conversion_funnel set cart_conversion_rate = null where rowid = 2', /conversion_funnel: cart_conversion_rate/],
  ['a late row without reason', "update late set frontier = frontier + interval 1 day where rowid = 0", /frontier was not ahead|exactly the windows/],
  ['a late row lost', 'delete from late where rowid = (select max(rowid) from late)', /is late for every window/],
  ['a late row that names too few windows', "update late set windows_missed = windows_missed - 1, windows_counted = windows_counted + 1 where query = 'conversion_funnel'", /exactly the windows/],
  ['a late row of an event that is not in the query', "update late set query = 'category_views' where query = 'country_revenue'", /only events that the query takes/],
  ['a window off by one slide', "update late set window_end = window_end - interval 30 second where query = 'revenue_by_category'", /exactly the windows/],
];

const STREAM_FAULTS = [
  ['a session lost', 'delete from user_sessions where rowid = 3', /user_sessions: rows missing/],
  ['a session cut in two', 'update user_sessions set session_end = session_start where rowid = (select max(rowid) from user_sessions where events > 3)', /user_sessions: session_end/],
  ['a page too many', 'update user_sessions set pages = pages + 1 where rowid = 2', /user_sessions: pages/],
  ['an exit by the entry', "update user_sessions set exit_page = entry_page where exit_page <> entry_page", /user_sessions: exit_page/],
  ['a list out of order', `update user_sessions set viewed = to_json(list_reverse(from_json(viewed, '["VARCHAR"]')))::VARCHAR`, /user_sessions: viewed/],
  ['a purchase without its view', 'delete from click_to_purchase where rowid = 0', /click_to_purchase: rows missing/],
  ['a purchase paired twice', 'insert into click_to_purchase select * from click_to_purchase limit 1', /click_to_purchase: one row per key/],
  ['a bought view called abandoned', `insert into abandoned_views select user_id, product_id, null, view_time, device_type, view_id from click_to_purchase limit 1`, /abandoned_views: rows unexpected/],
  ['a purchase lost', 'delete from purchases where rowid = 0', /purchases: rows missing/],
  ['a fraud missed', "delete from fraud_alerts where rule = 'rapid_transactions'", /fraud_alerts: rows missing/],
  ['a journey that was possible', "update fraud_alerts set event_id = event_id || 'x' where rule = 'impossible_travel'", /fraud_alerts: rows unexpected/],
  ['a score off', 'update fraud_alerts set score = score + 0.01 where rowid = 0', /fraud_alerts: score/],
  ['evidence of something else', `update fraud_alerts set evidence = replace(evidence, '"median"', '"mean"')`, /fraud_alerts: evidence/],
  ['a recommendation of itself', 'update also_viewed set also_viewed = \'[{"product_id":"\' || product_id || \'","sessions":1}]\' where rowid = 0', /also_viewed: also_viewed/],
  ['an old recommendation', "update also_viewed set updated_at = updated_at - interval 1 second where rowid = 1", /also_viewed: updated_at/],
  ['a spike called a drop', "update traffic_anomalies set kind = case kind when 'drop' then 'spike' else 'drop' end where rowid = 0", /traffic_anomalies: kind/],
  ['an anomaly of nothing', `insert into revenue_anomalies values (now(), 'revenue_by_category', 'total_revenue', 'x', 'spike', 1, 1, 4, 'warning')`, /revenue_anomalies: rows unexpected/],
  ['a demand of yesterday', 'update demand set usual_level = usual_level * 1.01 where usual_level > 0', /demand: usual_level/],
  ['a silence told twice', `insert into demand select product_id, max(window_end) + interval 10 minute, 0, 0, 0, 0, 1, 0, 'falling' from demand group by product_id limit 1`, /demand: rows unexpected/],
];

const partitionOf = user => [...(user ?? '')].reduce((h, c) => (h * 31 + c.charCodeAt(0)) >>> 0, 7) % PARTITIONS;

/** The pipeline in its simplest form, with ids remembered for ever: one frontier, moved after every batch to the least of what the partitions have seen. */
function play(runs) {
  const tables = { bronze: [], silver: [], quarantine: [], late: [], dropped: [] }, cuts = [], ids = new Set();
  const next = Array(PARTITIONS).fill(0), seen = Array(PARTITIONS).fill(-Infinity);
  let frontier = -Infinity;
  for (const file of runs) {
    let count = 0;
    for (const value of lines(file)) {
      const { event, reason } = judge(value, Date.now());
      const kafka_partition = partitionOf(event?.user_id), kafka_offset = next[kafka_partition]++;
      const origin = { kafka_partition, kafka_offset, kafka_time: '2026-01-01T00:00:00Z' };
      tables.bronze.push({ value: value.toString('base64'), ...origin });
      if (event && ids.has(`${kafka_partition} ${event.event_id}`)) { tables.dropped.push({ event_id: event.event_id, ...origin }); continue; }
      if (event) ids.add(`${kafka_partition} ${event.event_id}`);
      if (event) tables.silver.push({ ...NO_EVENT, ...event, event_time: Number(event.event_time), ...origin });
      else tables.quarantine.push({ reason, value: value.toString('base64'), ...origin });
      if (event) {
        const ms = Number(event.event_time / 1000n);
        tables.late.push(...lateRows(event, ms, frontier, origin));
        seen[kafka_partition] = Math.max(seen[kafka_partition], ms);
      }
      if (++count % BATCH === 0) frontier = Math.max(frontier, Math.min(...seen));
    }
    frontier = Math.max(...seen) + CLOSING_MS;
    cuts.push(Object.fromEntries(next.map((n, p) => [p, n])));
  }
  return { tables, cuts };
}

const viewed = e => ['view', 'page_view'].includes(e.event_type), bought = e => e.event_type === 'purchase', there = value => value !== null && value !== undefined;
const TAKES = {
  event_counts: () => true, action_counts: () => true, realtime_dashboard: () => true, category_views: viewed, trending_categories: e => viewed(e) && there(e.category),
  conversion_funnel: () => true, revenue_by_category: bought, country_revenue: bought, hourly_purchases: bought, daily_revenue: bought,
  top_products: e => viewed(e) && there(e.product_id), active_users: () => true, high_value_users: bought, session_users: e => there(e.session_id),
  product_activity: e => there(e.product_id),
};

const LATE_FOR = { user_sessions: () => true, click_to_purchase: e => (viewed(e) || bought(e)) && there(e.product_id), abandoned_views: e => (viewed(e) || bought(e)) && there(e.product_id), fraud_alerts: bought };

function lateRows(event, ms, frontier, origin) {
  const streams = STREAMS.filter(s => LATE_FOR[s.name]?.(event) && ms + s.inTime <= frontier - s.delay).map(s => ({
    query: s.name, window_start: ms, window_end: ms + s.inTime, windows_missed: 1, windows_counted: 0, frontier, lag_ms: frontier - s.delay - ms - s.inTime, event_id: event.event_id, ...origin }));
  return streams.concat(QUERIES.filter(q => TAKES[q.name](event)).flatMap(q => {
    const ends = [];
    for (let end = ms - ms % q.slide + q.slide; end - q.size <= ms; end += q.slide) ends.push(end);
    const missed = ends.filter(end => end <= frontier - q.delay || ms <= frontier - HORIZON_MS);
    if (missed.length === 0) return [];
    const last = missed.at(-1);
    return [{ query: q.name, window_start: last - q.size, window_end: last, windows_missed: missed.length, windows_counted: ends.length - missed.length,
      frontier, lag_ms: frontier - q.delay - last, event_id: event.event_id, ...origin }];
  }));
}

// Named, since there may be no row to tell them from.
const LATE_COLUMNS = `{query: 'VARCHAR', window_start: 'BIGINT', window_end: 'BIGINT', windows_missed: 'INTEGER', windows_counted: 'INTEGER', frontier: 'BIGINT', lag_ms: 'BIGINT',
  event_id: 'VARCHAR', kafka_partition: 'INTEGER', kafka_offset: 'BIGINT', kafka_time: 'VARCHAR'}`;

const DROPPED_COLUMNS = `{event_id: 'VARCHAR', kafka_partition: 'INTEGER', kafka_offset: 'BIGINT', kafka_time: 'VARCHAR'}`;

const QUARANTINE_COLUMNS = `{reason: 'VARCHAR', value: 'VARCHAR', kafka_partition: 'INTEGER', kafka_offset: 'BIGINT', kafka_time: 'VARCHAR'}`;

const COLUMNS = { late: LATE_COLUMNS, dropped: DROPPED_COLUMNS, quarantine: QUARANTINE_COLUMNS };

async function build(db, played, folder) {
  for (const [table, rows] of Object.entries(played.tables)) {
    const file = path.join(folder, `${table}.json`);
    fs.writeFileSync(file, rows.map(r => JSON.stringify(r)).join('\n'));
    await db.run(`create table raw_${table} as select * from read_json('${file}', format = 'newline_delimited', ${COLUMNS[table] ? `columns = ${COLUMNS[table]}` : 'map_inference_threshold = -1, sample_size = -1'})`);
  }
  const origin = 'kafka_partition::INTEGER as kafka_partition, kafka_offset, kafka_time::TIMESTAMPTZ as kafka_time';
  await db.run(`create table bronze as select from_base64(value) as value, ${origin} from raw_bronze`);
  await db.run(`create table dropped as select event_id, ${origin} from raw_dropped`);
  await db.run(`create table quarantine as select reason, from_base64(value) as value, ${origin} from raw_quarantine`);
  const columns = EVENT.map(c => c === 'event_time' ? 'make_timestamptz(event_time) as event_time'
    : ['price', 'revenue'].includes(c) ? `${c}::DECIMAL(18,4) as ${c}` : c === 'quantity' ? 'quantity::BIGINT as quantity' : `${c}::VARCHAR as ${c}`);
  await db.run(`create table silver as select ${columns.join(', ')}, make_timestamptz(event_time)::DATE as event_date, ${origin} from raw_silver`);
  await db.run(`create table late as select query, ${['window_start', 'window_end', 'frontier'].map(c => `make_timestamptz(${c}::BIGINT * 1000) as ${c}`).join(', ')},
    windows_missed::INTEGER as windows_missed, windows_counted::INTEGER as windows_counted, lag_ms::BIGINT as lag_ms, event_id, ${origin} from raw_late`);
  await db.run('create table events as select *, epoch_us(event_time) // 1000 as event_ms from silver');
  for (const q of QUERIES)
    await db.run(`create table ${name(q.name)} as ${result(q, `select p.* from (${assignments(q, 'events')}) p where not exists (select 1 from late l
      where l.query = '${q.name}' and l.kafka_partition = p.kafka_partition and l.kafka_offset = p.kafka_offset and epoch_ms(l.window_end) >= p.window_end_ms)`)}`);
}

const DELTA = { VARCHAR: 'string', BIGINT: 'long', INTEGER: 'integer', DOUBLE: 'double', BLOB: 'binary', DATE: 'date', 'TIMESTAMP WITH TIME ZONE': 'timestamp' };
const PATHS = { bronze: 'bronze/events', silver: 'silver/events', quarantine: 'silver/quarantine', late: 'silver/late', ...Object.fromEntries(QUERIES.map(q => [q.name, `gold/${q.name}`])) };

/** Writes a table in two commits, two files. */
async function writeDelta(db, table, root) {
  const folder = path.join(root, PATHS[table] ?? `gold/${table}`);
  fs.mkdirSync(path.join(folder, '_delta_log'), { recursive: true });
  const fields = (await db.columns(table)).map(c => ({ name: c.name, type: DELTA[c.type] ?? c.type.toLowerCase(), nullable: true, metadata: {} }));
  for (const [version, half] of ['rowid % 2 = 0', 'rowid % 2 = 1'].entries()) {
    const file = `part-${version}.snappy.parquet`;
    await db.run(`copy (select * from ${name(table)} where ${half}) to '${path.join(folder, file)}' (format parquet)`);
    const actions = version === 0 ? [{ protocol: { minReaderVersion: 1, minWriterVersion: 2 } },
      { metaData: { id: table, format: { provider: 'parquet', options: {} }, schemaString: JSON.stringify({ type: 'struct', fields }), partitionColumns: [], configuration: {} } }] : [];
    actions.push({ add: { path: file, partitionValues: {}, size: fs.statSync(path.join(folder, file)).size, modificationTime: 0, dataChange: true } });
    fs.writeFileSync(path.join(folder, '_delta_log', `${String(version).padStart(20, '0')}.json`), actions.map(a => JSON.stringify(a)).join('\n'));
  }
}

function judged(root, inputs, cut) {
  const verdict = path.join(root, 'verdict.json');
  const oracle = path.join(path.dirname(fileURLToPath(import.meta.url)), 'oracle.mjs');
  const later = inputs.slice(1).flatMap(input => ['--then', cut, '--input', input]);
  const ran = spawnSync(process.execPath, [oracle, 'check', '--tables', root, '--input', inputs[0], ...later, '--verdict', verdict], { encoding: 'utf8' });
  if (ran.status === 2) throw new Error(ran.stderr);
  return { code: ran.status, text: ran.stdout, wrong: JSON.parse(fs.readFileSync(verdict, 'utf8')).checks.filter(c => !c.ok).map(c => c.check) };
}

const tableOf = ([title, sql, expected]) => ({ table: /(?:update|from|into|table) (\w+)/.exec(sql)[1], title, sql, expected });

/** Rounds of at most one fault a table, for checks that name the table that they find wrong. */
function oneEach(faults) {
  const rounds = [];
  for (const fault of faults.map(tableOf)) {
    const round = rounds.find(r => r.every(other => other.table !== fault.table));
    if (round) round.push(fault); else rounds.push([fault]);
  }
  return rounds;
}

/** Lets the tables of these runs be judged untouched and with the faults of each round; returns how often the judge was wrong. */
async function trial(inputs, streams, rounds) {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'tidemark-oracle-'));
  let failed = 0;
  try {
    const played = play(inputs);
    const cut = path.join(root, 'cut.json');
    fs.writeFileSync(cut, JSON.stringify(played.cuts[0]));
    const db = await open();
    await build(db, played, root);
    for (const stream of streams) await compute(db, stream, stream.name);
    for (const table of [...Object.keys(PATHS), ...streams.map(s => s.name)]) await writeDelta(db, table, root);
    const clean = judged(root, inputs, cut);
    console.log(clean.text.split('\n').at(-2));
    if (clean.code !== 0) { failed++; console.log(`FAILED the untouched tables are judged wrong:\n${clean.text}`); }
    for (const round of rounds) {
      for (const { table, sql } of round) {
        await db.run(`create or replace table "backup of ${table}" as select * from ${table}`);
        await db.run(sql);
        await writeDelta(db, table, root);
      }
      const { wrong } = judged(root, inputs, cut);
      for (const { table, title, expected } of round) {
        const noticed = wrong.some(w => expected.test(w));
        if (!noticed) failed++;
        console.log(`${noticed ? 'noticed' : 'MISSED '} ${title}${noticed ? '' : `; wrong were: ${wrong.join('; ') || 'none'}`}`);
        await db.run(`create or replace table ${table} as select * from "backup of ${table}"`);
        await writeDelta(db, table, root);
      }
    }
    db.close();
  } finally {
    fs.rmSync(root, { recursive: true, force: true });
  }
  return failed;
}

const [first, second, third] = process.argv.slice(2);
// Checks of a query's table name it, and no other follows from it; what bronze, silver and late say shows in many.
const isOfQuery = fault => QUERIES.some(q => q.name === tableOf(fault).table);
const rounds = [...FAULTS.filter(f => !isOfQuery(f)).map(f => [tableOf(f)]), ...oneEach(FAULTS.filter(isOfQuery))];
const failed = await trial([first, second], [], rounds) + await trial([third], STREAMS, oneEach(STREAM_FAULTS));
process.exitCode = failed ? 1 : 0;
