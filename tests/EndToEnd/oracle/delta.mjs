// Reads Delta tables from a folder by replaying their log, knowing nothing of the code that wrote them: JSON commits, classic and
// multi-part checkpoints, partition columns from the log, never from paths. Refuses what it does not understand.
import fs from 'node:fs';
import path from 'node:path';
import { literal, name } from './sql.mjs';

const PRIMITIVE = {
  string: 'VARCHAR', long: 'BIGINT', integer: 'INTEGER', short: 'SMALLINT', byte: 'TINYINT', float: 'FLOAT', double: 'DOUBLE',
  boolean: 'BOOLEAN', binary: 'BLOB', date: 'DATE', timestamp: 'TIMESTAMPTZ', timestamp_ntz: 'TIMESTAMP',
};

function sqlType(type) {
  if (typeof type === 'string') {
    const found = PRIMITIVE[type] ?? (/^decimal\(\d+,\s*\d+\)$/.test(type) ? type.toUpperCase() : null);
    if (!found) throw new Error(`unknown column type '${type}'`);
    return found;
  }
  if (type.type === 'array') return `${sqlType(type.elementType)}[]`;
  if (type.type === 'map') return `MAP(${sqlType(type.keyType)}, ${sqlType(type.valueType)})`;
  return `STRUCT(${type.fields.map(f => `${name(f.name)} ${sqlType(f.type)}`).join(', ')})`;
}

const asObject = map => Array.isArray(map) ? Object.fromEntries(map.map(e => [e.key, e.value])) : map ?? {};

/** Log files by version: commits, and the complete checkpoints as lists of parts. */
function listLog(log) {
  const commits = new Map(), checkpoints = new Map();
  for (const file of fs.readdirSync(log)) {
    let match;
    if ((match = /^(\d{20})\.json$/.exec(file))) commits.set(Number(match[1]), file);
    else if ((match = /^(\d{20})\.checkpoint\.parquet$/.exec(file))) checkpoints.set(Number(match[1]), { parts: [file], wanted: 1 });
    else if ((match = /^(\d{20})\.checkpoint\.\d{10}\.(\d{10})\.parquet$/.exec(file))) {
      const entry = checkpoints.get(Number(match[1])) ?? { parts: [], wanted: Number(match[2]) };
      if (entry.wanted > 1) entry.parts.push(file);
      checkpoints.set(Number(match[1]), entry);
    }
  }
  for (const [version, c] of checkpoints) if (c.parts.length !== c.wanted) checkpoints.delete(version);
  return { commits, checkpoints };
}

/** The newest state of the table: version, schema, partition columns, txn positions, live files. */
export async function snapshot(db, table) {
  const log = path.join(table, '_delta_log');
  if (!fs.existsSync(log)) return null;
  const { commits, checkpoints } = listLog(log);
  const version = Math.max(-1, ...commits.keys(), ...checkpoints.keys());
  if (version < 0) return null;
  const state = { table, version, protocol: null, metaData: null, txn: new Map(), files: new Map() };
  const base = Math.max(-1, ...checkpoints.keys());
  for (const part of checkpoints.get(base)?.parts ?? []) await replayCheckpoint(db, path.join(log, part), state);
  for (let v = base + 1; v <= version; v++) {
    if (!commits.has(v)) throw new Error(`${table}: commit ${v} is missing`);
    replayCommit(fs.readFileSync(path.join(log, commits.get(v)), 'utf8'), state, `${table} version ${v}`);
  }
  if (!state.protocol || !state.metaData) throw new Error(`${table}: the log has no protocol or no metaData`);
  if (state.protocol.minReaderVersion > 1) throw new Error(`${table}: reader version ${state.protocol.minReaderVersion}; 1 was agreed`);
  state.fields = JSON.parse(state.metaData.schemaString).fields;
  state.partitionColumns = state.metaData.partitionColumns ?? [];
  return state;
}

async function replayCheckpoint(db, file, state) {
  for (const row of await db.rows(`select * from read_parquet(${literal(file)})`)) {
    const action = {};
    for (const kind of ['protocol', 'metaData', 'txn', 'add'])
      if (row[kind] && Object.values(row[kind]).some(v => v !== null)) action[kind] = row[kind];
    apply(action, state);
  }
}

function replayCommit(text, state, where) {
  const seen = new Set();
  for (const line of text.split('\n').filter(l => l.trim())) {
    const action = JSON.parse(line);
    for (const kind of ['add', 'remove']) {
      if (!action[kind]) continue;
      const key = `${kind} ${action[kind].path}`;
      if (seen.has(key)) throw new Error(`${where}: ${key} occurs twice`);
      seen.add(key);
      if (kind === 'add' && state.files.has(action.add.path)) throw new Error(`${where}: ${action.add.path} was added before`);
    }
    apply(action, state);
  }
}

function apply(action, state) {
  if (action.protocol) state.protocol = action.protocol;
  if (action.metaData) state.metaData = action.metaData;
  if (action.txn) state.txn.set(action.txn.appId, Number(action.txn.version));
  if (action.add) state.files.set(action.add.path, { ...action.add, partitionValues: asObject(action.add.partitionValues) });
  if (action.remove) state.files.delete(action.remove.path);
}

/** Loads the table's rows into a DuckDB table; checks sizes and record counts against the log on the way. */
export async function load(db, state, as) {
  const columns = state.fields.map(f => `${name(f.name)} ${sqlType(f.type)}`).join(', ');
  await db.run(`create or replace table ${name(as)} (${columns})`);
  const groups = new Map();
  for (const add of state.files.values()) {
    if (add.deletionVector) throw new Error(`${state.table}: ${add.path} has a deletion vector; none was agreed`);
    const file = path.join(state.table, decodeURIComponent(add.path));
    const size = fs.statSync(file).size;
    if (Number(add.size) !== size) throw new Error(`${file} has ${size} bytes, the log says ${add.size}`);
    const key = JSON.stringify(state.partitionColumns.map(c => add.partitionValues[c] ?? null));
    const group = groups.get(key) ?? { values: add.partitionValues, files: [], rows: 0, counted: true };
    group.files.push(file);
    const records = add.stats ? JSON.parse(add.stats).numRecords : undefined;
    if (records === undefined) group.counted = false;
    else group.rows += records;
    groups.set(key, group);
  }
  for (const group of groups.values()) {
    const select = state.fields.map(f => {
      const value = state.partitionColumns.includes(f.name) ? literal(group.values[f.name] || null) : name(f.name);
      return `${value}::${sqlType(f.type)} as ${name(f.name)}`;
    });
    const source = `read_parquet([${group.files.map(literal).join(', ')}], hive_partitioning=false)`;
    const before = await db.number(`select count(*) from ${name(as)}`);
    await db.run(`insert into ${name(as)} select ${select.join(', ')} from ${source}`);
    const added = await db.number(`select count(*) from ${name(as)}`) - before;
    if (group.counted && added !== group.rows) throw new Error(`${state.table}: files hold ${added} rows, their statistics say ${group.rows}`);
  }
}
