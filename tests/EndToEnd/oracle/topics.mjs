#!/usr/bin/env node
// The judge of further topics: readings of devices (metrics, alerts) and the join of views with purchases, computed again in SQL and compared row by row.
//   node topics.mjs --tables DIR --shop FILE --purchases FILE --sensors FILE
import path from 'node:path';
import { Verdict, sameByKey, sameRows } from './compare.mjs';
import { load, snapshot } from './delta.mjs';
import { lines } from './input.mjs';
import { open } from './sql.mjs';

const TABLES = ['silver/events', 'silver/purchases', 'silver/sensors', 'silver/sensors_late', 'gold/sensor_metrics', 'gold/sensor_alerts', 'gold/view_to_purchase', 'gold/view_to_purchase_late'];
const BOUNDS = { temperature: [-10, 40], humidity: [10, 90], pressure: [950, 1060], battery: [15, null] };
const SILENT_MS = 600_000, WITHIN_MS = 1_800_000;

/** The readings of a file: objects with a device, a metric, a number and a time. */
function* readings(file) {
  for (const line of lines(file)) {
    let r;
    try { r = JSON.parse(line.toString('utf8')); } catch { continue; }
    if (typeof r.device_id === 'string' && r.device_id && typeof r.metric === 'string' && r.metric && typeof r.value === 'number' && Number.isInteger(r.ts)) yield r;
  }
}

/** Ids of the events of a file, each once. */
function ids(file) {
  const found = new Set();
  for (const line of lines(file)) found.add(JSON.parse(line.toString('utf8')).event_id);
  return [...found];
}

async function fill(db, table, columns, rows) {
  await db.run(`create table ${table} (${columns})`);
  const to = await db.connection.createAppender(table);
  for (const row of rows) {
    for (const value of row) typeof value === 'bigint' ? to.appendBigInt(value) : typeof value === 'number' ? to.appendDouble(value) : to.appendVarchar(value);
    to.endRow();
  }
  to.closeSync();
}

async function sensors(verdict, db, file) {
  await fill(db, 'input_readings', 'device_id VARCHAR, metric VARCHAR, value DOUBLE, ms BIGINT', [...readings(file)].map(r => [r.device_id, r.metric, r.value, BigInt(r.ts)]));
  await db.run('create table readings as select *, epoch_ms(event_time) as ms from sensors');
  await sameRows(verdict, 'silver/sensors holds the readings of the file', db,
    'select device_id, metric, value::DECIMAL(18,4) as value, ms from input_readings', 'select device_id, metric, value, ms from readings');
  const inTime = query => `(select * from readings anti join (select * from sensors_late where query = '${query}') using (kafka_partition, kafka_offset))`;
  await db.run(`create table expected_metrics as select to_timestamp(ms // 60000 * 60) as window_start, to_timestamp(ms // 60000 * 60 + 60) as window_end, device_id, metric, count(*) as readings,
    avg(value::DOUBLE) as avg_value, min(value) as min_value, max(value) as max_value, stddev_samp(value::DOUBLE) as stddev_value from ${inTime('sensor_metrics')} group by all`);
  await sameByKey(verdict, 'gold/sensor_metrics', db, 'expected_metrics', 'sensor_metrics', ['window_start', 'device_id', 'metric'], 1e-6);
  const bounds = Object.entries(BOUNDS).map(([m, [least, most]]) => `('${m}', ${least ?? 'null'}::DECIMAL(18,4), ${most ?? 'null'}::DECIMAL(18,4))`).join(', ');
  await db.run(`create table expected_alerts as
    with judged as (select r.*, case when value > most then 'above' when value < least then 'below' end as rule, case when value > most then most when value < least then least end as bound
        from ${inTime('sensor_alerts')} r join (values ${bounds}) b(metric, least, most) using (metric)),
      followed as (select *, lag(rule) over (partition by kafka_partition, device_id, metric order by kafka_offset) as before from judged),
      spoken as (select device_id, ms, lead(ms) over (partition by device_id order by ms) as next from ${inTime('sensor_alerts')})
    select ms as alert_ms, rule, device_id, metric, value, bound, ms as seen_ms, kafka_partition, kafka_offset from followed where rule is not null and rule is distinct from before
    union all select ms + ${SILENT_MS}, 'silent', device_id, null, null, null, ms, null, null from spoken where next is null or next - ms >= ${SILENT_MS}`);
  await sameRows(verdict, 'gold/sensor_alerts', db, 'from expected_alerts',
    'select epoch_ms(alert_time) as alert_ms, rule, device_id, metric, value, bound, epoch_ms(last_seen) as seen_ms, kafka_partition, kafka_offset from sensor_alerts');
}

async function join(verdict, db, shop, purchases) {
  for (const [table, file] of [['events', shop], ['purchases', purchases]]) {
    await fill(db, `input_${table}`, 'event_id VARCHAR', ids(file).map(id => [id]));
    await sameRows(verdict, `silver/${table} holds each event of the file once`, db, `select event_id from input_${table}`, `select event_id from ${table}`);
  }
  const inTime = (table, side) => `(select *, epoch_ms(event_time) as ms from ${table} anti join (select * from view_to_purchase_late where side = '${side}') using (kafka_topic, kafka_partition, kafka_offset))`;
  await sameRows(verdict, 'gold/view_to_purchase', db,
    `select v.user_id, v.product_id, v.ms as view_ms, p.ms as purchase_ms, (p.ms - v.ms) / 1000.0::DOUBLE as seconds, v.device_type, p.revenue, v.event_id as view_id, p.event_id as purchase_id
      from ${inTime('events', 'left')} v join ${inTime('purchases', 'right')} p using (user_id, product_id)
      where v.event_type in ('view', 'page_view') and p.event_type = 'purchase' and p.ms between v.ms and v.ms + ${WITHIN_MS}`,
    'select user_id, product_id, epoch_ms(view_time) as view_ms, epoch_ms(purchase_time) as purchase_ms, seconds_to_purchase::DOUBLE as seconds, device_type, revenue, view_id, purchase_id from view_to_purchase');
  await verdict.none('gold/view_to_purchase_late: each row once, and behind its watermark', db,
    'select kafka_topic, kafka_partition, kafka_offset from view_to_purchase_late group by all having count(*) > 1 or bool_or(event_time > watermark)');
}

try {
  const options = Object.fromEntries(process.argv.slice(2).reduce((pairs, text, i, all) => i % 2 ? pairs : [...pairs, [text.slice(2), all[i + 1]]], []));
  const db = await open();
  for (const table of TABLES) {
    const state = await snapshot(db, path.join(options.tables, table));
    if (!state) throw new Error(`${table} is not there`);
    await load(db, state, table.split('/')[1]);
  }
  const verdict = new Verdict();
  await sensors(verdict, db, options.sensors);
  await join(verdict, db, options.shop, options.purchases);
  const counts = {};
  for (const table of TABLES) counts[table] = await db.number(`select count(*) from ${table.split('/')[1]}`);
  for (const row of await db.rows('select rule, count(*) as n from sensor_alerts group by all')) counts[row.rule] = Number(row.n);
  console.error(verdict.text());
  console.log(JSON.stringify(counts));
  process.exitCode = verdict.ok ? 0 : 1;
  db.close();
} catch (e) {
  console.error(`oracle: ${e.message}`);
  process.exitCode = 2;
}
