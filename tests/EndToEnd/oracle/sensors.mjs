#!/usr/bin/env node
// The independent judge of the topic of readings: recomputes from the input alone what its tables must hold, and compares row by row.
//   node sensors.mjs [--reopened] --tables DIR --input FILE [--input FILE]...
// Exit code 0: all as it must be; 1: differences, listed; 2: it could not be checked. The last line is JSON: rows by table, late by query, alerts by rule.
import path from 'node:path';
import { sameByKey, sameRows, Verdict } from './compare.mjs';
import { load, snapshot } from './delta.mjs';
import { lines } from './input.mjs';
import { open } from './sql.mjs';

const BOUNDS = { temperature: [-10, 40], humidity: [10, 90], pressure: [950, 1060], battery: [15, Infinity] };
const DELAY_US = 60e6, SILENT_US = 600e6, KEPT_US = 86_400e6;
const TABLES = { bronze: 'bronze/sensors', silver: 'silver/sensors', quarantine: 'silver/sensors_quarantine', late: 'silver/sensors_late',
  sensor_metrics: 'gold/sensor_metrics', sensor_alerts: 'gold/sensor_alerts' };

const text = value => typeof value === 'string' && value.length > 0;

/** A reading, or why it is none. */
function judge(line) {
  let record;
  try { record = JSON.parse(line); } catch { return { reason: 'invalid_json' }; }
  record.device_id ??= record.device;
  for (const field of ['ts', 'device_id', 'metric', 'value'])
    if (record[field] === undefined || record[field] === null) return { reason: field === 'ts' ? 'missing_event_time' : `missing_${field}` };
  if (typeof record.value !== 'number') return { reason: 'invalid_value' };
  if (!text(record.device_id) || !text(record.metric) || !Number.isInteger(record.ts)) throw new Error(`the generator does not make ${line}`);
  return { record };
}

async function loadInput(db, files) {
  await db.run('create table input_raw (value BLOB, reason VARCHAR)');
  await db.run('create table input_text (device_id VARCHAR, metric VARCHAR, value VARCHAR, unit VARCHAR, ts BIGINT)');
  const [raw, readings] = [await db.connection.createAppender('input_raw'), await db.connection.createAppender('input_text')];
  for (const line of files.flatMap(file => [...lines(file)])) {
    const { record, reason } = judge(line.toString('utf8'));
    raw.appendBlob(new Uint8Array(line));
    reason ? raw.appendVarchar(reason) : raw.appendNull();
    raw.endRow();
    if (!record) continue;
    for (const value of [record.device_id, record.metric, String(record.value)]) readings.appendVarchar(value);
    record.unit === undefined ? readings.appendNull() : readings.appendVarchar(record.unit);
    readings.appendBigInt(BigInt(record.ts));
    readings.endRow();
  }
  raw.closeSync();
  readings.closeSync();
}

/** Of a device's readings of a metric that follow each other in Kafka beyond one bound, the first. */
function* broken(readings) {
  const state = new Map();
  for (const r of readings) {
    const [least, most] = BOUNDS[r.metric] ?? [-Infinity, Infinity];
    const rule = r.value > most ? 'above' : r.value < least ? 'below' : null;
    const key = JSON.stringify([r.partition, r.device, r.metric]);
    const before = state.get(key);
    if (!rule) { state.delete(key); continue; }
    const isNew = !before || before.rule !== rule || r.at > before.at + KEPT_US;
    if (isNew) yield [r.at, rule, r.device, r.metric, r.value, rule === 'above' ? most : least, r.at, r.partition, r.offset];
    state.set(key, { rule, at: isNew ? r.at : Math.max(r.at, before.at) });
  }
}

/** Wherever a device says nothing for as long as it may be silent, and at the end. */
function* silent(readings) {
  const times = new Map();
  for (const r of readings) {
    const key = JSON.stringify([r.partition, r.device]);
    times.set(key, [...times.get(key) ?? [], r.at]);
  }
  for (const [key, all] of times) {
    all.sort((a, b) => a - b);
    for (let i = 0; i < all.length; i++)
      if (i === all.length - 1 || all[i + 1] - all[i] >= SILENT_US) yield [all[i] + SILENT_US, 'silent', JSON.parse(key)[1], null, null, null, all[i], null, null];
  }
}

async function alerts(db, verdict) {
  await db.run(`create table expected_alerts (alert_us BIGINT, rule VARCHAR, device_id VARCHAR, metric VARCHAR, value DECIMAL(18,4), bound DECIMAL(18,4), last_us BIGINT,
    kafka_partition INTEGER, kafka_offset BIGINT)`);
  const readings = (await db.rows(`select device_id, metric, value::DOUBLE as value, epoch_us(event_time)::DOUBLE as at, kafka_partition as p, kafka_offset::DOUBLE as o
    from silver anti join (select * from late where query = 'sensor_alerts') using (kafka_partition, kafka_offset) order by kafka_partition, kafka_offset`))
    .map(r => ({ device: r.device_id, metric: r.metric, value: Number(r.value), at: Number(r.at), partition: Number(r.p), offset: Number(r.o) }));
  const quoted = value => value === null ? 'null' : typeof value === 'string' ? `'${value.replaceAll("'", "''")}'` : String(value);
  const rows = [...broken(readings), ...silent(readings)].map(row => `(${row.map(quoted).join(', ')})`);
  if (rows.length) await db.run(`insert into expected_alerts values ${rows.join(', ')}`);
  await sameRows(verdict, 'sensor_alerts', db, 'select * from expected_alerts', `select epoch_us(alert_time) as alert_us, rule, device_id, metric, value, bound,
    epoch_us(last_seen) as last_us, kafka_partition, kafka_offset from sensor_alerts`);
}

async function check(db, tables, inputs, isReopened) {
  const verdict = new Verdict();
  for (const [as, table] of Object.entries(TABLES)) {
    const state = await snapshot(db, path.join(tables, table));
    if (!state) throw new Error(`${path.join(tables, table)} holds no Delta table`);
    await load(db, state, as);
  }
  await loadInput(db, inputs);
  await sameRows(verdict, 'bronze is the input', db, 'select value from input_raw', 'select value from bronze');
  await sameRows(verdict, 'quarantine: records and reasons', db, 'select reason, value from input_raw where reason is not null', 'select reason, value from quarantine');
  await sameRows(verdict, 'silver is every reading, repeated ones too', db,
    'select device_id, metric, value::DECIMAL(18,4) as value, unit, ts * 1000 as at from input_text', 'select device_id, metric, value, unit, epoch_us(event_time) as at from silver');
  await verdict.none('late rows are of readings, once for each query, and were behind the watermark', db, `
    select l.query, l.kafka_partition, l.kafka_offset from late l left join silver s using (kafka_partition, kafka_offset)
    group by all having count(*) > 1 or count(s.device_id) <> 1
      or not bool_and(case l.query when 'sensor_metrics' then epoch_us(s.event_time) // 60000000 * 60000000 + 60000000 else epoch_us(s.event_time) end <= epoch_us(l.frontier) - ${DELAY_US})`);
  await db.run(`create table expected_metrics as
    select make_timestamptz(epoch_us(event_time) // 60000000 * 60000000) as window_start, make_timestamptz(epoch_us(event_time) // 60000000 * 60000000 + 60000000) as window_end, device_id, metric,
      count(*) as readings, avg(value::DOUBLE) as avg_value, min(value) as min_value, max(value) as max_value, stddev_samp(value::DOUBLE) as stddev_value
    from silver anti join (select * from late where query = 'sensor_metrics' and not ${isReopened}) using (kafka_partition, kafka_offset) group by all`);
  // A deviation of nearly equal values is what rounding leaves of them.
  await sameByKey(verdict, 'sensor_metrics', db, 'expected_metrics', 'sensor_metrics', ['window_start', 'window_end', 'device_id', 'metric'], 1e-6);
  await alerts(db, verdict);
  return verdict;
}

try {
  const argument = name => process.argv[process.argv.indexOf(name) + 1];
  const db = await open();
  const verdict = await check(db, argument('--tables'), process.argv.filter((_, i) => process.argv[i - 1] === '--input'), process.argv.includes('--reopened'));
  console.log(verdict.text());
  const grouped = async sql => Object.fromEntries((await db.rows(sql)).map(r => [r.key, Number(r.n)]));
  const rows = {};
  for (const as of Object.keys(TABLES)) rows[as] = await db.number(`select count(*) from ${as}`);
  console.log(JSON.stringify({ rows, late: await grouped('select query as key, count(*) as n from late group by all'), alerts: await grouped('select rule as key, count(*) as n from sensor_alerts group by all') }));
  process.exitCode = verdict.ok ? 0 : 1;
  db.close();
} catch (e) {
  console.error(`sensors: ${e.message}`);
  process.exitCode = 2;
}
