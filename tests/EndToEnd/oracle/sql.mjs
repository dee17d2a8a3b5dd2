// A thin face over DuckDB, in memory and in UTC.
import { DuckDBInstance } from '@duckdb/node-api';

export const literal = value => value === null || value === undefined ? 'NULL' : `'${String(value).replaceAll("'", "''")}'`;
export const name = value => `"${value.replaceAll('"', '""')}"`;

export async function open() {
  const instance = await DuckDBInstance.create(':memory:', { threads: '2' });
  const connection = await instance.connect();
  await connection.run("set TimeZone = 'UTC'");
  return {
    connection,
    run: sql => connection.run(sql),
    rows: async sql => (await connection.runAndReadAll(sql)).getRowObjectsJson(),
    number: async sql => Number(Object.values((await connection.runAndReadAll(sql)).getRowObjectsJson()[0])[0]),
    columns: async table => (await connection.runAndReadAll(`describe ${name(table)}`)).getRowObjectsJson().map(r => ({ name: r.column_name, type: r.column_type })),
    close: () => { connection.closeSync(); instance.closeSync(); },
  };
}
