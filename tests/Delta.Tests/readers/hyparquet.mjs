import fs from 'node:fs';
import { parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { doubleBits, floatBits, hex, scaleOf, walk } from './canon.mjs';

// Timestamps and dates stay whole numbers: a JavaScript Date has no microseconds.
const parsers = {
  timestampFromMilliseconds: v => v * 1000n,
  timestampFromMicroseconds: v => v,
  timestampFromNanoseconds: v => v / 1000n,
  dateFromDays: v => v,
  stringFromBytes: v => v && new TextDecoder().decode(v),
};

function leaf(value, type) {
  switch (type) {
    case 'byte': case 'short': case 'integer': case 'long': case 'timestamp': return value.toString();
    case 'float': return floatBits(value);
    case 'double': return doubleBits(value);
    case 'binary': return hex(value);
    case 'date': return Number(value);
    case 'boolean': case 'string': return value;
    default:
      // This reader makes decimals floating point: the caller compares about 15 digits.
      return { about: Number(value) * 10 ** scaleOf(type) };
  }
}

const parts = {
  items: v => v,
  entries: v => (Array.isArray(v) ? v.map(e => [e.key, e.value]) : Object.entries(v)),
  field: (v, name) => v[name],
};

export async function read(file, fields) {
  const bytes = fs.readFileSync(file);
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  const rows = await parquetReadObjects({ file: buffer, compressors, parsers, utf8: false });
  return rows.map(row => fields.map(f => walk(row[f.name], f.type, leaf, parts)));
}
