// Loads what was put into the topic into two DuckDB tables: input_records (raw bytes, run, reason) and input_events (the valid ones, typed).
import fs from 'node:fs';
import zlib from 'node:zlib';
import { judge } from './events.mjs';

const COLUMNS = {
  event_id: 'VARCHAR', event_type: 'VARCHAR', action_category: 'VARCHAR', event_time: 'BIGINT', user_id: 'VARCHAR', session_id: 'VARCHAR', product_id: 'VARCHAR',
  product_name: 'VARCHAR', category: 'VARCHAR', price: 'VARCHAR', quantity: 'BIGINT', revenue: 'VARCHAR', device_type: 'VARCHAR',
  country: 'VARCHAR', page: 'VARCHAR', element: 'VARCHAR', extra: 'VARCHAR',
};

/** Lines of a file as bytes, empty ones left out; .gz is unpacked. */
export function* lines(file) {
  let bytes = fs.readFileSync(file);
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) bytes = zlib.gunzipSync(bytes);
  for (let from = 0; from < bytes.length;) {
    let to = bytes.indexOf(10, from);
    if (to < 0) to = bytes.length;
    const end = to > from && bytes[to - 1] === 13 ? to - 1 : to;
    if (end > from) yield bytes.subarray(from, end);
    from = to + 1;
  }
}

/** Values of a file: its lines, or for .records (JSON lines with base64 `value`, null = tombstone) what they carry. */
function* values(file) {
  if (!file.endsWith('.records')) return yield* lines(file);
  for (const line of lines(file)) {
    const { value } = JSON.parse(line);
    yield value === null ? null : Buffer.from(value, 'base64');
  }
}

/** Loads the files of each run; run 1 is the first. */
export async function loadInput(db, runs, now) {
  await db.run('create table input_records (run INTEGER, value BLOB, reason VARCHAR)');
  await db.run(`create table input_text (run INTEGER, value BLOB, ${Object.entries(COLUMNS).map(([n, t]) => `${n} ${t}`).join(', ')})`);
  const records = await db.connection.createAppender('input_records');
  const events = await db.connection.createAppender('input_text');
  runs.forEach((files, index) => files.forEach(file => {
    for (const value of values(file)) {
      const { event, reason } = judge(value, now);
      records.appendInteger(index + 1);
      value === null ? records.appendNull() : records.appendBlob(new Uint8Array(value));
      reason ? records.appendVarchar(reason) : records.appendNull();
      records.endRow();
      if (event) appendEvent(events, index + 1, value, event);
    }
  }));
  records.closeSync();
  events.closeSync();
  await db.run(`create table input_events as select * replace (
    make_timestamptz(event_time) as event_time, price::DECIMAL(18,4) as price, revenue::DECIMAL(18,4) as revenue) from input_text`);
  await db.run('drop table input_text');
}

function appendEvent(appender, run, value, event) {
  appender.appendInteger(run);
  appender.appendBlob(new Uint8Array(value));
  for (const [column, type] of Object.entries(COLUMNS)) {
    const value = event[column] ?? null;
    if (value === null) appender.appendNull();
    else if (type === 'BIGINT') appender.appendBigInt(BigInt(value));
    else appender.appendVarchar(String(value)); // shortest decimal text of the double: exact up to 15 digits
  }
  appender.endRow();
}
