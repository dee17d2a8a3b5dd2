// A Delta log replayed from its definition, knowing nothing of the code under test. Checkpoints are read by DuckDB.
import fs from 'node:fs';
import path from 'node:path';
import { query } from './duckdb.mjs';

const pad = (n, width) => String(n).padStart(width, '0');
const asMap = m => (m == null ? {} : Array.isArray(m) ? Object.fromEntries(m.map(e => [e.key, e.value])) : m);

export async function snapshot(table, wanted) {
  const folder = path.join(table, '_delta_log');
  const names = new Set(fs.readdirSync(folder));
  const versions = [...names].filter(n => /^\d{20}\.json$/.test(n)).map(n => Number(n.slice(0, 20)));
  const checkpoints = [...names].filter(n => /^\d{20}\.checkpoint\.parquet$/.test(n)).map(n => Number(n.slice(0, 20)));
  const newest = Math.max(...versions, ...checkpoints);
  const target = wanted ?? newest;
  const base = Math.max(-1, ...checkpoints.filter(v => v <= target));
  const state = { version: target, files: new Map(), removed: new Map(), txn: {}, protocol: null, metaData: null };
  let ours = false;
  const apply = action => {
    if (action.protocol) state.protocol = action.protocol;
    if (action.metaData) state.metaData = action.metaData;
    if (action.txn) state.txn[action.txn.appId] = Number(action.txn.version);
    if (action.add) {
      const name = decodeURIComponent(action.add.path);
      state.removed.delete(name);
      state.files.set(name, { ...action.add, partitionValues: asMap(action.add.partitionValues) });
    }
    if (action.remove) {
      const name = decodeURIComponent(action.remove.path);
      state.files.delete(name);
      state.removed.set(name, action.remove);
    }
  };
  if (base >= 0) {
    const file = path.join(folder, `${pad(base, 20)}.checkpoint.parquet`);
    for (const row of await query(`select * from read_parquet('${file.replaceAll("'", "''")}')`)) {
      for (const kind of ['txn', 'add', 'remove', 'metaData', 'protocol']) if (row[kind]) apply({ [kind]: row[kind] });
    }
  }
  for (let v = base + 1; v <= target; v++) {
    const seen = new Set();
    for (const line of fs.readFileSync(path.join(folder, `${pad(v, 20)}.json`), 'utf8').split('\n')) {
      if (!line) continue;
      const action = JSON.parse(line);
      ours ||= action.commitInfo?.engineInfo?.startsWith('Tidemark') ?? false;
      const kinds = Object.keys(action);
      if (kinds.length !== 1) throw new Error(`version ${v}: a line with ${kinds.length} actions`);
      for (const kind of ['add', 'remove']) {
        if (!action[kind]) continue;
        const key = kind + decodeURIComponent(action[kind].path);
        if (seen.has(key)) throw new Error(`version ${v}: ${key} twice`);
        seen.add(key);
      }
      // Some readers fail on it, so we never write it; others do.
      if (ours && JSON.stringify(action).includes('"deletionVector":null')) throw new Error(`version ${v}: a null deletionVector`);
      apply(action);
    }
  }
  if (!state.protocol || !state.metaData) throw new Error('no protocol or no metaData');
  state.schema = JSON.parse(state.metaData.schemaString);
  state.partitionColumns = state.metaData.partitionColumns ?? [];
  return state;
}
