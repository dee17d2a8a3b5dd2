// The streams, stated once more and on their own: those of events from silver, the chained ones from the gold tables that they follow.
import fs from 'node:fs';
import path from 'node:path';
import { demand, revenueAnomalies, trafficAnomalies } from './anomalies.mjs';
import { sameByKey } from './compare.mjs';
import { snapshot } from './delta.mjs';
import { fraudAlerts, sameEvidence } from './fraud.mjs';
import { literal, name } from './sql.mjs';

const MINUTE = 60_000;
const VIEWED = "event_type in ('view', 'page_view') and product_id is not null";
const BOUGHT = "event_type = 'purchase' and product_id is not null";
const WITHIN_US = 30 * MINUTE * 1000;
const TOP = 20, LISTED = 20, COUNTED = 200, SCORE_DIGITS = 1e-4;

const list = where => `to_json(coalesce(list_sort(list(distinct product_id) filter (${where})), [])[1:${LISTED}])::VARCHAR`;

const SESSIONS = `
  with paused as (
    select *, epoch_us(event_time) - lag(epoch_us(event_time)) over each_user > ${WITHIN_US} as pause from events
    window each_user as (partition by user_id order by event_time, kafka_offset)),
  numbered as (
    select *, count(*) filter (pause) over (partition by user_id order by event_time, kafka_offset rows unbounded preceding) as session from paused)
  select user_id, min(event_time) as session_start, max(event_time) as session_end,
    (epoch_us(max(event_time)) - epoch_us(min(event_time))) / 1e6 as duration_seconds, count(*) as events, count(distinct page) as pages,
    count(distinct product_id) filter (${VIEWED}) as products_viewed, count(*) filter (event_type = 'purchase') as purchases,
    coalesce(sum(revenue) filter (event_type = 'purchase'), 0)::DECIMAL(38,4) as revenue, count(*) filter (event_type = 'purchase') > 0 as converted,
    first(page order by event_time, page) filter (page is not null) as entry_page,
    first(page order by event_time desc, page desc) filter (page is not null) as exit_page,
    ${list(VIEWED)} as viewed, ${list(BOUGHT)} as bought, 'completed' as session_type
  from numbered group by user_id, session`;

const PAIR = `v.user_id = p.user_id and v.product_id = p.product_id and epoch_us(p.event_time) - epoch_us(v.event_time) between 0 and ${WITHIN_US}`;

const CLICKS = `
  select v.user_id, v.product_id, v.event_time as view_time, p.event_time as purchase_time,
    (epoch_us(p.event_time) - epoch_us(v.event_time)) / 1e6 as seconds_to_purchase, v.device_type, p.revenue, v.event_id as view_id, p.event_id as purchase_id
  from (select * from events where ${VIEWED}) v join (select * from events where ${BOUGHT}) p on ${PAIR}`;

const ABANDONED = `
  select v.user_id, v.product_id, v.category, v.event_time as view_time, v.device_type, v.event_id as view_id
  from (select * from events where ${VIEWED}) v anti join (select * from events where ${BOUGHT}) p on ${PAIR}`;

// Who looked at a product, at what else, and what did they buy: over sessions, each once; the first products by count.
const others = (kind, from) => `(select v.product_id, o.product_id as other, count(*) as sessions from seen_viewed v join ${from} o using (session)
  where v.product_id <> o.product_id group by all) ${kind}`;
const listed = kind => `select product_id, to_json(list({product_id: other, sessions: sessions} order by sessions desc, other))::VARCHAR as ${kind} from
  (select *, row_number() over (partition by product_id order by sessions desc, other) as place from ${others(kind, kind === 'also_viewed' ? 'seen_viewed' : 'seen_bought')})
  where place <= ${TOP} group by product_id`;
const ALSO = `
  with sessions as (select row_number() over () as session, session_end, viewed, bought from user_sessions),
  seen_viewed as (select session, session_end, unnest(from_json(viewed, '["VARCHAR"]')) as product_id from sessions),
  seen_bought as (select session, session_end, unnest(from_json(bought, '["VARCHAR"]')) as product_id from sessions),
  told as (select v.product_id, max(v.session_end) as updated_at
    from seen_viewed v join (select session, product_id from seen_viewed union select session, product_id from seen_bought) o using (session)
    where o.product_id <> v.product_id group by v.product_id)
  select product_id, coalesce(also_viewed, '[]') as also_viewed, coalesce(also_bought, '[]') as also_bought, updated_at
  from told left join (${listed('also_viewed')}) using (product_id) left join (${listed('also_bought')}) using (product_id)`;

/** `of` the events that a stream of events takes, late when event time + inTime ≤ frontier − delay; the others follow a gold table. */
export const STREAMS = [
  {
    name: 'user_sessions', keys: ['user_id', 'session_start'], of: 'true', delay: 10 * MINUTE, inTime: 30 * MINUTE, sql: SESSIONS,
    columns: `user_id VARCHAR, session_start TIMESTAMPTZ, session_end TIMESTAMPTZ, duration_seconds DOUBLE, events BIGINT, pages BIGINT, products_viewed BIGINT,
      purchases BIGINT, revenue DECIMAL(38,4), converted BOOLEAN, entry_page VARCHAR, exit_page VARCHAR, viewed VARCHAR, bought VARCHAR, session_type VARCHAR`,
  },
  {
    name: 'click_to_purchase', keys: ['view_id', 'purchase_id', 'purchase_time'], of: `(${VIEWED}) or (${BOUGHT})`, delay: 10 * MINUTE, inTime: 0, sql: CLICKS,
    columns: `user_id VARCHAR, product_id VARCHAR, view_time TIMESTAMPTZ, purchase_time TIMESTAMPTZ, seconds_to_purchase DOUBLE, device_type VARCHAR,
      revenue DECIMAL(18,4), view_id VARCHAR, purchase_id VARCHAR`,
  },
  {
    name: 'abandoned_views', keys: ['view_id', 'view_time'], of: `(${VIEWED}) or (${BOUGHT})`, delay: 10 * MINUTE, inTime: 0, sql: ABANDONED,
    columns: 'user_id VARCHAR, product_id VARCHAR, category VARCHAR, view_time TIMESTAMPTZ, device_type VARCHAR, view_id VARCHAR',
  },
  {
    name: 'purchases', keys: ['event_id', 'event_time'],
    sql: `select event_time, event_id, user_id, session_id, product_id, product_name, category, price, quantity, revenue, device_type, country, page from events where event_type = 'purchase'`,
    columns: `event_time TIMESTAMPTZ, event_id VARCHAR, user_id VARCHAR, session_id VARCHAR, product_id VARCHAR, product_name VARCHAR, category VARCHAR, price DECIMAL(18,4),
      quantity BIGINT, revenue DECIMAL(18,4), device_type VARCHAR, country VARCHAR, page VARCHAR, model VARCHAR, model_score DOUBLE, model_error VARCHAR`,
  },
  {
    name: 'fraud_alerts', keys: ['event_time', 'rule', 'event_id'], of: "event_type = 'purchase'", delay: 5 * MINUTE, inTime: 0, rows: fraudAlerts, apart: sameEvidence, within: SCORE_DIGITS,
    columns: `event_time TIMESTAMPTZ, rule VARCHAR, severity VARCHAR, score DOUBLE, user_id VARCHAR, event_id VARCHAR, amount DECIMAL(18,4), evidence VARCHAR`,
  },
  {
    name: 'also_viewed', keys: ['product_id'], sql: ALSO, actual: lastRows,
    apart: exactOnly,
    columns: 'product_id VARCHAR, also_viewed VARCHAR, also_bought VARCHAR, updated_at TIMESTAMPTZ',
  },
  ...[['traffic_anomalies', trafficAnomalies], ['revenue_anomalies', revenueAnomalies]].map(([stream, rows]) => ({
    name: stream, keys: ['window_end', 'group'], rows,
    columns: `window_end TIMESTAMPTZ, "query" VARCHAR, metric VARCHAR, "group" VARCHAR, kind VARCHAR, "value" DOUBLE, expected DOUBLE, score DOUBLE, severity VARCHAR`,
  })),
  {
    name: 'demand', keys: ['product_id', 'window_end'], rows: demand,
    columns: `product_id VARCHAR, window_end TIMESTAMPTZ, views BIGINT, carts BIGINT, purchases BIGINT, "level" DOUBLE, usual_level DOUBLE, ratio DOUBLE, signal VARCHAR`,
  },
];

/**
 * Every row of every stream, once. Streams of events are compared where no event of the run was late; what may still be late for a session or a pair depends
 * on when it came. Chained ones follow from tables that are final. After a later run neither is compared, since what was forgotten in between is not known.
 */
export async function streams(v, db, root, runs) {
  const compared = {};
  if (runs > 1)
    return compared;
  const late = await db.number('select count(*) from late');
  for (const stream of STREAMS.filter(s => !s.of || late === 0)) {
    const expected = `expected ${stream.name}`, actual = stream.actual ? await stream.actual(db, root, stream) : stream.name;
    await compute(db, stream, expected);
    if (stream.apart) await stream.apart(v, db, expected, actual);
    await sameByKey(v, `gold/${stream.name}`, db, expected, actual, stream.keys, stream.within);
    compared[`gold/${stream.name}`] = await db.number(`select count(*) from ${name(expected)}`);
  }
  return compared;
}

/** A table of a stream's rows, from tables events and user_sessions and the queries' own. */
export async function compute(db, stream, into) {
  await db.run(`create table ${name(into)} (${stream.columns})`);
  if (stream.sql) await db.run(`insert into ${name(into)} by name ${stream.sql}`);
  else await insert(db, into, await stream.rows(db));
}

/** A product that was seen with many others counts them approximately: there only that it has a row, and of when. The lists of both sides are emptied. */
async function exactOnly(v, db, expected, actual) {
  await db.run(`create table crowded as select v.product_id from (select row_number() over () as session, unnest(from_json(viewed, '["VARCHAR"]')) as product_id from user_sessions) v
    join (select row_number() over () as session, unnest(list_concat(from_json(viewed, '["VARCHAR"]'), from_json(bought, '["VARCHAR"]'))) as other from user_sessions) o using (session)
    where other <> v.product_id group by v.product_id having count(distinct other) >= ${COUNTED}`);
  for (const table of [expected, actual])
    await db.run(`update ${name(table)} set also_viewed = '', also_bought = '' where product_id in (from crowded)`);
  const [crowded, all] = [await db.number('select count(*) from crowded'), await db.number(`select count(*) from ${name(expected)}`)];
  v.add(`gold/also_viewed: enough products are counted exactly (${all - crowded} of ${all})`, all > 0 && crowded === all ? 1 : 0, []);
}

/** Rows that are late for streams: each is one event that the stream takes and was behind its watermark; in a later run all that is older is. */
export async function lateForStreams(v, db) {
  for (const stream of STREAMS.filter(s => s.of)) {
    const taken = `(select * from events where ${stream.of})`, title = `late of ${stream.name}`;
    await db.run(`create or replace table judged as select *, epoch_ms(frontier) as frontier_ms from late where query = '${stream.name}'`);
    await v.none(`${title}: one row per event`, db, 'select kafka_partition, kafka_offset, count(*) as rows from judged group by all having count(*) > 1');
    await v.none(`${title}: only events that the stream takes`, db, `
      select l.kafka_partition, l.kafka_offset, l.event_id from judged l anti join ${taken} e
      on l.kafka_partition = e.kafka_partition and l.kafka_offset = e.kafka_offset and l.event_id = e.event_id`);
    await v.none(`${title}: behind the watermark`, db, `
      select l.kafka_partition, l.kafka_offset, e.event_ms, l.frontier_ms from judged l join events e using (kafka_partition, kafka_offset)
      where epoch_us(e.event_time) + ${stream.inTime * 1000} > (l.frontier_ms - ${stream.delay}) * 1000`);
    await v.none(`${title}: all that is older than an earlier run`, db, `
      select e.kafka_partition, e.kafka_offset, e.event_ms from ${taken} e join closed_before c using (run)
      anti join judged l on l.kafka_partition = e.kafka_partition and l.kafka_offset = e.kafka_offset where e.event_ms <= c.max_ms`);
  }
}

/** Rows of plain values, times as {us}: all as text first, which keeps doubles as they are. */
async function insert(db, table, rows) {
  const columns = (await db.columns(table)).map((c, i) => ({ ...c, raw: `c${i}` }));
  await db.run(`create or replace temp table raw (${columns.map(c => `${c.raw} VARCHAR`).join(', ')})`);
  const appender = await db.connection.createAppender('raw');
  for (const row of rows) {
    for (const value of row) value === null ? appender.appendNull() : appender.appendVarchar(String(value.us ?? value));
    appender.endRow();
  }
  appender.closeSync();
  await db.run(`insert into ${name(table)} select ${columns.map(c => c.type.startsWith('TIMESTAMP') ? `make_timestamptz(${c.raw}::BIGINT)` : `${c.raw}::${c.type}`).join(', ')} from raw`);
}

/** The row that was written last for each key, by the order of commits and of rows in their file. */
async function lastRows(db, root, stream) {
  const table = path.join(root, 'gold', stream.name), last = `last ${stream.name}`;
  await db.run(`create table ${name(last)} (${stream.columns})`);
  const state = await snapshot(db, table);
  if (!state || state.files.size === 0)
    return last;
  const files = [];
  for (const commit of fs.readdirSync(path.join(table, '_delta_log')).filter(f => /^\d{20}\.json$/.test(f)).sort())
    for (const { add } of fs.readFileSync(path.join(table, '_delta_log', commit), 'utf8').split('\n').filter(Boolean).map(l => JSON.parse(l)).filter(a => a.add)) {
      if (!add.dataChange) throw new Error(`${table}: ${add.path} was written again by ${commit}, so the order of its rows is not known`);
      files.push(path.join(table, decodeURIComponent(add.path)));
    }
  if (files.length !== state.files.size) throw new Error(`${table}: the commits name ${files.length} files, the newest state ${state.files.size}`);
  const rows = files.map((file, place) => `select *, ${place} as file from read_parquet(${literal(file)}, file_row_number = true)`).join(' union all ');
  await db.run(`insert into ${name(last)} select * exclude (file, file_row_number) from (${rows})
    qualify row_number() over (partition by ${stream.keys.map(name).join(', ')} order by file desc, file_row_number desc) = 1`);
  return last;
}
