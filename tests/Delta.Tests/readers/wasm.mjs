import fs from 'node:fs';
import { tableFromIPC } from 'apache-arrow';
import initialise, { Compression, Encoding, WriterPropertiesBuilder, WriterVersion, readParquet, writeParquet } from 'parquet-wasm/esm';
import { doubleBits, floatBits, hex, walk } from './canon.mjs';

await initialise({ module_or_path: fs.readFileSync(new URL('./node_modules/parquet-wasm/esm/parquet_wasm_bg.wasm', import.meta.url)) });

// Arrow's getters round timestamps to milliseconds, so values are taken from the arrays below them.
function cell(vector, index) {
  const data = vector.data;
  let at = index;
  let part = 0;
  while (at >= data[part].length) at -= data[part++].length;
  return column(data[part], at);
}

function column(data, at) {
  if (data.nullCount > 0 && !data.getValid(at)) return null;
  const type = String(data.type);
  if (type.startsWith('Timestamp')) return data.values[at];
  if (type.startsWith('Date')) return Math.round(Number(data.values[at]));
  if (type.startsWith('Decimal')) {
    const words = data.values.subarray(at * 4, at * 4 + 4);
    return BigInt.asIntN(128, words.reduceRight((sum, word) => (sum << 32n) | BigInt(word >>> 0), 0n));
  }
  if (type.startsWith('Struct')) return data.type.children.map((f, i) => [f.name, column(data.children[i], at)]);
  if (type.startsWith('List') || type.startsWith('Map')) {
    const items = [];
    for (let i = data.valueOffsets[at]; i < data.valueOffsets[at + 1]; i++) items.push(column(data.children[0], i));
    return items;
  }
  if (type === 'Bool') return ((data.values[(data.offset + at) >> 3] >> ((data.offset + at) & 7)) & 1) === 1;
  if (type.endsWith('Utf8')) return new TextDecoder().decode(bytes(data, at));
  if (type.endsWith('Binary')) return bytes(data, at);
  return data.values[at];
}

const bytes = (data, at) => data.values.subarray(Number(data.valueOffsets[at]), Number(data.valueOffsets[at + 1]));

function leaf(value, type) {
  switch (type) {
    case 'float': return floatBits(value);
    case 'double': return doubleBits(value);
    case 'binary': return hex(value);
    case 'date': case 'boolean': case 'string': return value;
    default: return value.toString();
  }
}

const parts = {
  items: v => v,
  entries: v => v.map(e => [e[0][1], e[1][1]]),
  field: (v, name) => v.find(e => e[0] === name)?.[1],
};

export async function read(file, fields) {
  const table = tableFromIPC(readParquet(new Uint8Array(fs.readFileSync(file))).intoIPCStream());
  const rows = [];
  const vectors = fields.map(f => table.getChild(f.name));
  for (let i = 0; i < table.numRows; i++) rows.push(fields.map((f, c) => walk(vectors[c] ? cell(vectors[c], i) : null, f.type, leaf, parts)));
  return rows;
}

/** Writes a file anew with the encodings, page version and codec of the Rust implementation. */
export function rewrite({ file, target, codec, version, dictionary, encodings }) {
  let builder = new WriterPropertiesBuilder().setCompression(Compression[codec]).setWriterVersion(WriterVersion[version]).setDictionaryEnabled(dictionary);
  for (const [column, encoding] of Object.entries(encodings ?? {})) builder = builder.setColumnEncoding(column, Encoding[encoding]);
  fs.writeFileSync(target, writeParquet(readParquet(new Uint8Array(fs.readFileSync(file))), builder.build()));
  return {};
}
