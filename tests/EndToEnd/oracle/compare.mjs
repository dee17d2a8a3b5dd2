// Comparisons that say what differs, in rows a person can read.
import { name } from './sql.mjs';

const SHOWN = 5;
const RELATIVE = 1e-9;

/** Collects the outcome of named checks. */
export class Verdict {
  checks = [];

  /** Runs a check that returns rows in which something is wrong; none = passed. */
  async none(title, db, sql) {
    const wrong = await db.number(`select count(*) from (${sql})`);
    this.add(title, wrong, wrong ? await db.rows(`select * from (${sql}) limit ${SHOWN}`) : []);
  }

  add(title, wrong, samples) {
    this.checks.push({ check: title, ok: wrong === 0, differences: wrong, samples });
  }

  get ok() { return this.checks.every(c => c.ok); }

  text() {
    return this.checks.map(c => c.ok ? `ok    ${c.check}` :
      [`WRONG ${c.check}: ${c.differences}`, ...c.samples.map(s => `      ${JSON.stringify(s)}`)].join('\n')).join('\n');
  }
}

/** Equal as multisets of whole rows, nulls equal to nulls. */
export async function sameRows(verdict, title, db, expected, actual) {
  const side = (label, a, b) => `select '${label}' as side, * from ((${a}) except all (${b}))`;
  await verdict.none(title, db, `${side('missing', expected, actual)} union all ${side('unexpected', actual, expected)}`);
}

/** The same names and types in the same order. */
export function sameColumns(verdict, title, expected, actual) {
  const text = columns => columns.map(c => `${c.name} ${c.type}`).join(', ');
  const same = text(expected) === text(actual);
  verdict.add(`${title}: columns`, same ? 0 : 1, same ? [] : [{ expected: text(expected), actual: text(actual) }]);
  return same;
}

/** Equal by key: same keys, each once; exact values, doubles within a relative 1e-9 or what is allowed. Both sides are tables with the same column names. */
export async function sameByKey(verdict, title, db, expected, actual, keys, within = 0) {
  const columns = await db.columns(expected);
  const wanted = columns.map(c => c.name);
  if (!sameColumns(verdict, title, columns, await db.columns(actual))) return;
  const keyList = keys.map(name).join(', ');
  await verdict.none(`${title}: one row per key`, db, `select ${keyList}, count(*) as rows from ${name(actual)} group by ${keyList} having count(*) > 1`);
  const on = keys.map(k => `e.${name(k)} is not distinct from a.${name(k)}`).join(' and ');
  const both = `(select *, true as here from ${name(expected)}) e full join (select *, true as here from ${name(actual)}) a on ${on}`;
  const pick = (side, list) => list.map(c => `${side}.${name(c)}`).join(', ');
  await verdict.none(`${title}: rows missing`, db, `select ${pick('e', wanted)} from ${both} where a.here is null`);
  await verdict.none(`${title}: rows unexpected`, db, `select ${pick('a', wanted)} from ${both} where e.here is null`);
  for (const { name: column, type } of columns.filter(c => !keys.includes(c.name)))
    await verdict.none(`${title}: ${column}`, db, `select ${pick('e', keys)}, e.${name(column)} as expected, a.${name(column)} as actual
      from ${both} where e.here and a.here and ${differs(`e.${name(column)}`, `a.${name(column)}`, type, within)}`);
}

const differs = (e, a, type, within) => type !== 'DOUBLE' ? `${e} is distinct from ${a}`
  : `((${e} is null) <> (${a} is null) or abs(${e} - ${a}) > greatest(${RELATIVE} * greatest(abs(${e}), abs(${a})), ${within}))`;
