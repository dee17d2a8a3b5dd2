// Values of any reader as plain JSON that compares exactly: integers and unscaled decimals as text, floats as their bits,
// timestamps as microseconds, dates as days, binary as hex, lists as arrays, maps as arrays of pairs, structs as arrays in field order.
const bits = new DataView(new ArrayBuffer(8));

export function doubleBits(value) {
  if (Number.isNaN(value)) return 'nan';
  bits.setFloat64(0, value);
  return bits.getBigUint64(0).toString(16);
}

export function floatBits(value) {
  if (Number.isNaN(value)) return 'nan';
  bits.setFloat32(0, value);
  return bits.getUint32(0).toString(16);
}

export const hex = bytes => Buffer.from(bytes).toString('hex');
export const dayOf = date => Math.round(date.getTime() / 86400000);
export const microsOf = date => (BigInt(date.getTime()) * 1000n).toString();

/** Walks a value by its Delta type; leaf(value, typeName) makes the canonical leaf, parts says how this reader holds nesting. */
export function walk(value, type, leaf, parts) {
  if (value === null || value === undefined) return null;
  if (typeof type === 'string') return leaf(value, type);
  if (type.type === 'array') return parts.items(value).map(v => walk(v, type.elementType, leaf, parts));
  if (type.type === 'map')
    return parts.entries(value).map(([k, v]) => [walk(k, type.keyType, leaf, parts), walk(v, type.valueType, leaf, parts)]);
  return type.fields.map(f => walk(parts.field(value, f.name), f.type, leaf, parts));
}

/** Text of a decimal (plain or with a point) as its unscaled integer. */
export function unscaled(text, scale) {
  let [whole, fraction = ''] = String(text).split('.');
  if (fraction.length > scale) throw new Error(`decimal ${text} has more than ${scale} digits after the point`);
  return BigInt(whole + fraction.padEnd(scale, '0')).toString();
}

export const scaleOf = type => Number(/^decimal\(\d+,(\d+)\)$/.exec(type)?.[1] ?? 0);

/** A partition value, always text in the log. */
export function partitionValue(text, type) {
  if (text === null || text === undefined || text === '') return null;
  if (type === 'date') return Math.round(Date.parse(text + 'T00:00:00Z') / 86400000);
  if (type === 'timestamp') {
    const fraction = /\.(\d+)/.exec(text)?.[1] ?? '';
    const seconds = Date.parse(text.replace(/\.\d+/, '')) / 1000;
    return (BigInt(seconds) * 1000000n + BigInt(fraction.padEnd(6, '0') || 0)).toString();
  }
  if (type === 'boolean') return text === 'true';
  if (type === 'double') return doubleBits(Number(text));
  if (type === 'float') return floatBits(Number(text));
  if (type.startsWith('decimal')) return unscaled(text, scaleOf(type));
  return text;
}
