#!/usr/bin/env node
// The judge of two topics: the join of views with purchases, computed again in SQL and compared row by row.
//   node topics.mjs --tables DIR --shop FILE --purchases FILE
import path from 'node:path';
import { Verdict, sameRows } from './compare.mjs';
import { load, snapshot } from './delta.mjs';
import { lines } from './input.mjs';
import { open } from './sql.mjs';

const TABLES = ['silver/events', 'silver/purchases', 'gold/view_to_purchase', 'gold/view_to_purchase_late'];
const WITHIN_MS = 1_800_000, DELAY_MINUTES = 10;

/** Ids of the events of a file, each once. */
function ids(file) {
  const found = new Set();
  for (const line of lines(file)) found.add(JSON.parse(line.toString('utf8')).event_id);
  return [...found];
}

async function join(verdict, db, shop, purchases) {
  for (const [table, file] of [['events', shop], ['purchases', purchases]]) {
    await db.run(`create table input_${table} (event_id VARCHAR)`);
    const to = await db.connection.createAppender(`input_${table}`);
    for (const id of ids(file)) {
      to.appendVarchar(id);
      to.endRow();
    }
    to.closeSync();
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
  // The frontier of a topic is never beyond what one of its partitions has seen.
  for (const [table, side] of [['events', 'left'], ['purchases', 'right']])
    await verdict.none(`gold/view_to_purchase_late: rows of silver/${table} that came more than the delay behind others of their partition`, db,
      `select kafka_partition, kafka_offset from (select *, max(event_time) over (partition by kafka_partition order by kafka_offset rows between unbounded preceding and 1 preceding) as seen from ${table})
        semi join (select * from view_to_purchase_late where side = '${side}') using (kafka_topic, kafka_partition, kafka_offset) where seen is null or event_time > seen - interval ${DELAY_MINUTES} minutes`);
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
  await join(verdict, db, options.shop, options.purchases);
  const counts = {};
  for (const table of TABLES) counts[table] = await db.number(`select count(*) from ${table.split('/')[1]}`);
  console.error(verdict.text());
  console.log(JSON.stringify(counts));
  process.exitCode = verdict.ok ? 0 : 1;
  db.close();
} catch (e) {
  console.error(`oracle: ${e.message}`);
  process.exitCode = 2;
}
