// The window queries over the same file in DuckDB: the file is read and typed once, then each query runs. Prints {seconds, cpu, rows} as JSON.
//   node duckdb.mjs FILE THREADS      from tests/EndToEnd/oracle, whose queries these are
import path from 'node:path';
import { pathToFileURL } from 'node:url';
const [file, threads] = process.argv.slice(2);
const oracle = name => import(pathToFileURL(path.resolve(name)));
const { open, literal } = await oracle('sql.mjs');
const { assignments, QUERIES, result } = await oracle('queries.mjs');

const db = await open();
await db.run(`set threads = ${Number(threads)}`);
const [began, before] = [process.hrtime.bigint(), process.cpuUsage()];
const text = 'event_id event_type user_id session_id product_id category device_type country page'.split(' ').map(c => `${c}: 'VARCHAR'`);
await db.run(`create table events as select *, epoch_us(event_time) // 1000 as event_ms, case when event_type in ('page_view', 'view', 'scroll') then 'engagement'
    when event_type in ('click', 'hover') then 'interaction' when event_type in ('purchase', 'add_to_cart') then 'conversion' else 'other' end as action_category
  from (select * exclude ("timestamp"), "timestamp" as event_time from read_json(${literal(file)}, format = 'newline_delimited', ignore_errors = true,
    columns = {${text.join(', ')}, "timestamp": 'TIMESTAMPTZ', revenue: 'DECIMAL(18,4)', quantity: 'BIGINT'}))
  where event_id is not null and event_type is not null and user_id is not null and event_time is not null`);
let rows = 0;
for (const query of QUERIES) rows += await db.number(`select count(*) from (${result(query, assignments(query, 'events'))})`);
const used = process.cpuUsage(before);
console.log(JSON.stringify({ seconds: Number(process.hrtime.bigint() - began) / 1e9, cpu: (used.user + used.system) / 1e6, rows }));
db.close();
