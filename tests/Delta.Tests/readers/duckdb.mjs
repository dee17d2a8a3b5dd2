import { DuckDBInstance } from '@duckdb/node-api';
import { doubleBits, floatBits, hex, scaleOf, walk } from './canon.mjs';

const instance = await DuckDBInstance.create(':memory:');
export const connection = await instance.connect();
await connection.run("SET TimeZone='UTC'");
await connection.run('SET threads=1');

export const query = async sql => (await connection.runAndReadAll(sql)).getRowObjectsJson();
const text = s => `'${s.replaceAll("'", "''")}'`;

function leaf(value, type) {
  switch (type) {
    case 'byte': case 'short': case 'integer': case 'long': return value.toString();
    case 'float': return floatBits(value);
    case 'double': return doubleBits(value);
    case 'binary': return hex(value.bytes);
    case 'date': return value.days;
    case 'timestamp': return value.micros.toString();
    case 'boolean': case 'string': return value;
    default:
      if (value.scale !== scaleOf(type)) throw new Error(`decimal of scale ${value.scale} for ${type}`);
      return value.value.toString();
  }
}

const parts = {
  items: v => v.items,
  entries: v => v.entries.map(e => [e.key, e.value]),
  field: (v, name) => v.entries[name],
};

export async function read(file, fields) {
  const reader = await connection.runAndReadAll(`select * from read_parquet(${text(file)}, hive_partitioning=false)`);
  const names = reader.columnNames();
  const at = fields.map(f => names.indexOf(f.name));
  return reader.getRows().map(row => fields.map((f, i) => (at[i] < 0 ? null : walk(row[at[i]], f.type, leaf, parts))));
}

/** What DuckDB sees in a file's metadata, for checks of encodings and statistics. */
export const metadata = file => query(`select * from parquet_metadata(${text(file)})`);
