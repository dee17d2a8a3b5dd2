// Answers requests, one JSON object per line, with one line each. Started once for a whole test run.
import fs from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';
import * as duckdb from './duckdb.mjs';
import { partitionValue } from './canon.mjs';
import { snapshot } from './log.mjs';

const load = { duckdb: async () => duckdb, hyparquet: () => import('./hyparquet.mjs'), wasm: () => import('./wasm.mjs'), parquetjs: () => import('./parquetjs.mjs') };

async function table({ reader, root, version }) {
  const { read } = await load[reader]();
  const state = await snapshot(root, version);
  const stored = state.schema.fields.filter(f => !state.partitionColumns.includes(f.name));
  const rows = [];
  for (const [name, add] of state.files) {
    const file = path.join(root, name);
    if (Number(add.size) !== fs.statSync(file).size) throw new Error(`${name}: size ${add.size} in the log, ${fs.statSync(file).size} on disk`);
    const found = await read(file, stored);
    if (add.stats && JSON.parse(add.stats).numRecords !== found.length) throw new Error(`${name}: numRecords and ${found.length} rows`);
    for (const row of found) {
      let next = 0;
      rows.push(state.schema.fields.map(f => (state.partitionColumns.includes(f.name) ? partitionValue(add.partitionValues[f.name], f.type) : row[next++])));
    }
  }
  return { version: state.version, files: state.files.size, txn: state.txn, rows };
}

const operations = {
  table,
  file: async ({ reader, file, schema }) => ({ rows: await (await load[reader]()).read(file, schema.fields) }),
  metadata: async ({ file }) => ({ chunks: await duckdb.metadata(file) }),
  rewrite: async request => (await load.wasm()).rewrite(request),
  sql: async ({ sql }) => ({ rows: await duckdb.query(sql) }),
};

for await (const line of readline.createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  let answer;
  try {
    answer = await operations[request.op](request);
  } catch (error) {
    answer = { error: String(error?.stack ?? error) };
  }
  process.stdout.write(JSON.stringify(answer, (_, v) => (typeof v === 'bigint' ? v.toString() : v)) + '\n');
}
