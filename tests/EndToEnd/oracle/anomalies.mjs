// What is unusual in a series of windows, and how demand moves: plain JavaScript over the rows of the gold tables that the streams follow.
const FORGET = 0.1, KNOWN = 12, BOUND = 4, CRITICAL = 8, SILENT = 48;
const SLIDE_US = 30_000_000;

export const trafficAnomalies = db => anomalies(db, 'event_counts', 'event_type', 'events');
export const revenueAnomalies = db => anomalies(db, 'revenue_by_category', 'category', 'total_revenue');

/** Rows of windows that lie far from the weighted mean of those before, by group. A window without a row counts 0, up to so many in a row; then all is forgotten. */
async function anomalies(db, query, group, metric) {
  const found = [];
  for (const series of await seriesOf(db, `select ${group} as key, epoch_us(window_end) as us, coalesce(${metric}, 0)::DOUBLE as value from ${query}`)) {
    let state = null;
    const take = (at, x) => {
      if (!state) { state = { n: 1, mean: x, variance: 0 }; return; }
      const { n, mean, variance } = state;
      const spread = Math.max(Math.sqrt(variance), Math.abs(mean) / 20, 1), score = (x - mean) / spread;
      if (n >= KNOWN && Math.abs(score) >= BOUND)
        found.push([{ us: at }, query, metric, series.key, score > 0 ? 'spike' : 'drop', x, mean, score, Math.abs(score) >= CRITICAL ? 'critical' : 'warning']);
      const step = (n < KNOWN ? x : mean + Math.max(-BOUND, Math.min(BOUND, score)) * spread) - mean;
      state = { n: n + 1, mean: mean + FORGET * step, variance: (1 - FORGET) * (variance + FORGET * step * step) };
    };
    follow(series.rows, SLIDE_US, SILENT, row => take(row.at, row.value), at => take(at, 0), () => { state = null; });
  }
  return found;
}

const WINDOW_US = 600_000_000, DAY_OF_WINDOWS = 144;

/** Level of each product's window against what was usual; of a silence only the first window. */
export async function demand(db) {
  const found = [];
  for (const series of await seriesOf(db, 'select product_id as key, epoch_us(window_end) as us, views, carts, purchases from product_activity where product_id is not null')) {
    let mean = null, silent = false;
    const take = (at, [views, carts, purchases]) => {
      const level = views + 3 * carts + 10 * purchases, usual = mean ?? level, ratio = usual > 0 ? level / usual : null;
      const repeats = silent && level === 0;
      if (!repeats)
        found.push([series.key, { us: at }, views, carts, purchases, level, usual, ratio, ratio > 1.5 ? 'rising' : ratio !== null && ratio < 0.5 ? 'falling' : 'steady']);
      mean = usual + 0.2 * (level - usual);
    };
    follow(series.rows, WINDOW_US, DAY_OF_WINDOWS,
      row => { silent = false; take(row.at, [Number(row.views), Number(row.carts), Number(row.purchases)]); },
      at => { take(at, [0, 0, 0]); silent = true; },
      () => { mean = null; silent = false; });
  }
  return found;
}

/** Walks a series window by window: rows, silences between them, and the silence after the last one, all of which is behind the watermark of a drained run. */
function follow(rows, step, most, onRow, onSilence, onForgotten) {
  for (const [i, row] of rows.entries()) {
    onRow(row);
    const next = rows[i + 1]?.at ?? Infinity;
    let at = row.at + step;
    for (let n = 0; n < most && at < next; n++, at += step) onSilence(at);
    if (at - row.at > most * step) onForgotten();
  }
}

/** Rows by key, in order of time. */
async function seriesOf(db, sql) {
  const all = new Map();
  for (const row of await db.rows(`select * from (${sql}) order by key, us`)) {
    if (!all.has(row.key)) all.set(row.key, { key: row.key, rows: [] });
    all.get(row.key).rows.push({ ...row, at: Number(row.us) });
  }
  return all.values();
}
