#!/usr/bin/env node
// The independent judge of a drained run: recomputes in SQL, from the input alone, what its tables must hold, and compares row by row.
//   node oracle.mjs check --tables DIR --input FILE [--input FILE] [--then CUTS --input FILE]... [--verdict FILE]
//     DIR holds the exported tables as DIR/bronze/events, DIR/silver/events, DIR/gold/<query> ...
//     FILE holds JSON lines (.gz too) or, named *.records, lines of {"value": base64 or null}
//     --reopened: every late event was merged into its windows, so gold is the batch computation over all events
//     --then begins the input of the next run; CUTS (from `positions`) says where the run before it ended
//   node oracle.mjs positions --tables DIR            the offset after the last one in bronze, per partition
//   node oracle.mjs rows --tables DIR TABLE           rows of a table as JSON lines, times in ms
// Exit code 0: all as it must be; 1: differences, listed; 2: it could not be checked.
import fs from 'node:fs';
import path from 'node:path';
import * as checks from './checks.mjs';
import { Verdict } from './compare.mjs';
import { load, snapshot } from './delta.mjs';
import { loadInput } from './input.mjs';
import { assignments, QUERIES, result } from './queries.mjs';
import { open } from './sql.mjs';
import { STREAMS, streams } from './streams.mjs';

const TABLES = { bronze: 'bronze/events', silver: 'silver/events', quarantine: 'silver/quarantine', late: 'silver/late',
  ...Object.fromEntries([...QUERIES, ...STREAMS].map(q => [q.name, `gold/${q.name}`])) };

// A table that nothing was ever written to may be missing altogether.
const EMPTY = {
  quarantine: 'select null::VARCHAR as reason, null::BLOB as value, 0 as kafka_partition, 0::BIGINT as kafka_offset, null::TIMESTAMPTZ as kafka_time limit 0',
  late: `select null::VARCHAR as query, null::TIMESTAMPTZ as window_start, null::TIMESTAMPTZ as window_end, 0 as windows_missed, 0 as windows_counted,
    null::TIMESTAMPTZ as frontier, 0::BIGINT as lag_ms, null::VARCHAR as event_id, 0 as kafka_partition, 0::BIGINT as kafka_offset limit 0`,
};

const NO_EVENTS = `(select null::BIGINT as event_ms, null::VARCHAR as event_type, null::VARCHAR as user_id, null::VARCHAR as session_id, null::VARCHAR as category,
  null::VARCHAR as action_category, null::VARCHAR as product_id, null::VARCHAR as device_type, null::TIMESTAMPTZ as event_time,
  null::VARCHAR as country, null::DECIMAL(18,4) as revenue, null::BIGINT as quantity limit 0)`;

function parse(argv) {
  const options = { command: argv[0], runs: [[]], cuts: [], rest: [] };
  for (let i = 1; i < argv.length; i++) {
    if (argv[i] === '--tables') options.tables = argv[++i];
    else if (argv[i] === '--reopened') options.reopened = true;
    else if (argv[i] === '--verdict') options.verdict = argv[++i];
    else if (argv[i] === '--input') options.runs.at(-1).push(argv[++i]);
    else if (argv[i] === '--then') { options.cuts.push(JSON.parse(fs.readFileSync(argv[++i], 'utf8'))); options.runs.push([]); }
    else if (argv[i].startsWith('--')) throw new Error(`unknown option ${argv[i]}`);
    else options.rest.push(argv[i]);
  }
  if (!options.tables) throw new Error('--tables DIR is missing');
  return options;
}

async function loadTable(db, root, table, as) {
  const state = await snapshot(db, path.join(root, table));
  if (state) await load(db, state, as);
  else if (STREAMS.some(s => s.name === as)) await db.run(`create table ${as} (${STREAMS.find(s => s.name === as).columns})`);
  else if (table.startsWith('gold/')) await db.run(`create table ${as} as ${result(QUERIES.find(q => q.name === as), assignments(QUERIES.find(q => q.name === as), NO_EVENTS))} limit 0`);
  else if (EMPTY[as]) await db.run(`create table ${as} as ${EMPTY[as]}`);
  else throw new Error(`${path.join(root, table)} holds no Delta table`);
}

/** Silver with event time in ms and the run that each row belongs to. */
async function numberRuns(db, cuts) {
  const conditions = cuts.map(cut => `(${Object.entries(cut).map(([p, next]) => `kafka_partition = ${Number(p)} and kafka_offset >= ${Number(next)}`).join(' or ')
    || 'true'}${Object.keys(cut).length ? ` or kafka_partition not in (${Object.keys(cut).map(Number).join(', ')})` : ''})::INTEGER`);
  await db.run(`create table events as select *, epoch_us(event_time) // 1000 as event_ms, ${['1', ...conditions].join(' + ')} as run from silver`);
}

async function check(db, options) {
  for (const [as, table] of Object.entries(TABLES)) await loadTable(db, options.tables, table, as);
  await loadInput(db, options.runs, Date.now());
  await numberRuns(db, options.cuts);
  const verdict = new Verdict();
  for (const part of [checks.bronze, checks.silver, checks.late, options.reopened ? checks.goldReopened : checks.gold]) await part(verdict, db);
  const compared = await streams(verdict, db, options.tables, options.runs.length);
  const rows = {};
  for (const [as, table] of Object.entries(TABLES)) rows[table] = await db.number(`select count(*) from "${as}"`);
  const grouped = async sql => Object.fromEntries((await db.rows(sql)).map(r => [r.key, Number(r.n)]));
  const outcome = {
    ok: verdict.ok, checks: verdict.checks, rows, compared,
    input: await db.number('select count(*) from input_records'),
    quarantined: await grouped('select reason as key, count(*) as n from input_records where reason is not null group by all'),
    alerts: await grouped('select rule as key, count(*) as n from fraud_alerts group by all'),
    late: await grouped('select query as key, count(*) as n from late group by all'),
    duplicates: await db.number('select count(*) from valid anti join silver using (kafka_partition, kafka_offset)'),
  };
  if (options.verdict) fs.writeFileSync(options.verdict, JSON.stringify(outcome, null, 2));
  console.log(verdict.text());
  console.log(`${verdict.ok ? 'equal' : 'DIFFERENT'}: ${outcome.input} records, rows ${JSON.stringify(rows)}, late ${JSON.stringify(outcome.late)}`);
  return verdict.ok ? 0 : 1;
}

async function positions(db, options) {
  await loadTable(db, options.tables, TABLES.bronze, 'bronze');
  const rows = await db.rows('select kafka_partition as p, max(kafka_offset) + 1 as next from bronze group by all order by 1');
  console.log(JSON.stringify(Object.fromEntries(rows.map(r => [r.p, Number(r.next)]))));
  return 0;
}

async function rows(db, options) {
  await loadTable(db, options.tables, options.rest[0], 'wanted');
  const columns = (await db.columns('wanted')).map(c => c.type.startsWith('TIMESTAMP') ? `epoch_ms("${c.name}")::DOUBLE as "${c.name}"` : `"${c.name}"`);
  for (const row of await db.rows(`select ${columns.join(', ')} from wanted`)) console.log(JSON.stringify(row));
  return 0;
}

try {
  const options = parse(process.argv.slice(2));
  const command = { check, positions, rows }[options.command];
  if (!command) throw new Error(`unknown command ${options.command}; check, positions and rows are known`);
  const db = await open();
  process.exitCode = await command(db, options);
  db.close();
} catch (e) {
  console.error(`oracle: ${e.message}`);
  process.exitCode = 2;
}
