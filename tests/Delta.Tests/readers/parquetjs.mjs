import parquet from '@dsnp/parquetjs';
import { doubleBits, floatBits, hex, scaleOf, walk } from './canon.mjs';

// The weakest of the readers: dates and timestamps come as Date (milliseconds), decimals as numbers or bytes.
function leaf(value, type) {
  switch (type) {
    case 'byte': case 'short': case 'integer': case 'long': return value.toString();
    case 'float': return floatBits(value);
    case 'double': return doubleBits(value);
    case 'binary': return hex(value);
    case 'date': return value instanceof Date ? Math.round(value.getTime() / 86400000) : Number(value);
    case 'timestamp': return value instanceof Date ? { millis: value.getTime() } : value.toString();
    case 'boolean': return Boolean(value);
    case 'string': return Buffer.isBuffer(value) ? value.toString('utf8') : value;
    default:
      if (Buffer.isBuffer(value) || value instanceof Uint8Array) return BigInt.asIntN(value.length * 8, BigInt('0x' + hex(value))).toString();
      // It forgets the scale of decimals that come from a dictionary, so the unscaled number is as good.
      return { about: Number(value) * 10 ** scaleOf(type), or: Number(value) };
  }
}

const physical = ['BOOLEAN', 'INT32', 'INT64', 'INT96', 'FLOAT', 'DOUBLE', 'BYTE_ARRAY', 'FIXED_LEN_BYTE_ARRAY'];
const listItems = v => (v.list ?? []).map(e => e.element ?? null);
const parts = {
  items: listItems,
  entries: v => (v.key_value ?? []).map(e => [e.key, e.value ?? null]),
  field: (v, name) => v[name],
};

export async function read(file, fields) {
  const reader = await parquet.ParquetReader.openFile(file);
  try {
    // This reader takes every decimal's dictionary for fixed-length bytes, whatever the file says; the file's own type is put in.
    for (const { meta_data: meta } of reader.metadata.row_groups[0]?.columns ?? []) {
      const field = reader.schema.findField(meta.path_in_schema);
      if (field.originalType === 'DECIMAL') field.primitiveType = physical[meta.type];
    }
    const cursor = reader.getCursor();
    const rows = [];
    for (let row = await cursor.next(); row; row = await cursor.next()) rows.push(fields.map(f => walk(row[f.name], f.type, leaf, parts)));
    return rows;
  } finally {
    await reader.close();
  }
}
