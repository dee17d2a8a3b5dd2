// The four window queries, stated in SQL once more and on their own. Times in milliseconds; windows are aligned to 1970-01-01T00:00:00Z.
const MINUTE = 60_000;
const VIEWS = "event_type in ('view', 'page_view')";
const PURCHASES = "event_type = 'purchase'";
const CARTS = "event_type = 'add_to_cart'";

const share = (part, whole) => `case when count(distinct user_id) filter (${whole}) = 0 then null
  else count(distinct user_id) filter (${part})::double * 100 / count(distinct user_id) filter (${whole}) end`;

export const QUERIES = [
  {
    name: 'category_views', size: 5 * MINUTE, slide: 5 * MINUTE, delay: 2 * MINUTE, where: VIEWS, keys: ['category'],
    values: {
      view_count: 'count(*)',
      unique_users: 'count(distinct user_id)',
      unique_sessions: 'count(distinct session_id)',
    },
  },
  {
    name: 'revenue_by_category', size: MINUTE, slide: MINUTE / 2, delay: MINUTE, where: PURCHASES, keys: ['category'],
    values: {
      total_revenue: 'sum(revenue)',
      purchase_count: 'count(*)',
      avg_order_value: 'sum(revenue)::double / count(revenue)',
    },
  },
  {
    name: 'conversion_funnel', size: 5 * MINUTE, slide: MINUTE, delay: 10 * MINUTE, where: 'true', keys: [],
    values: {
      unique_visitors: `count(distinct user_id) filter (${VIEWS})`,
      cart_users: `count(distinct user_id) filter (${CARTS})`,
      purchasers: `count(distinct user_id) filter (${PURCHASES})`,
      cart_conversion_rate: share(CARTS, VIEWS),
      purchase_conversion_rate: share(PURCHASES, VIEWS),
    },
  },
  {
    name: 'country_revenue', size: 60 * MINUTE, slide: 60 * MINUTE, delay: 10 * MINUTE, where: PURCHASES, keys: ['country'],
    values: {
      revenue: 'sum(revenue)',
      orders: 'count(distinct session_id)',
      units: 'sum(quantity)::BIGINT',
      customers: 'count(distinct user_id)',
    },
  },
];

/** Within this time an event of an id that its partition has seen is a duplicate; so far behind the frontier an event is late for all. Ids are remembered for twice as long. */
export const HORIZON_MS = 60 * MINUTE;

/** After a drained bounded run the frontier stands so far beyond the greatest event time that every window is closed. */
export const CLOSING_MS = Math.max(...QUERIES.map(q => q.size + q.delay));

/** Every pair of an event that the query takes and a window that holds it, from a table with event_ms; with the window's bounds in ms. */
export const assignments = (query, events) => `
  select *, window_start_ms + ${query.size} as window_end_ms
  from (select *, unnest(generate_series(event_ms - event_ms % ${query.slide} - ${query.size - query.slide}, event_ms - event_ms % ${query.slide}, ${query.slide})) as window_start_ms
        from ${events} where ${query.where})`;

/** The query's rows over such pairs. */
export const result = (query, pairs) => `
  select make_timestamptz(window_start_ms * 1000) as window_start, make_timestamptz(window_end_ms * 1000) as window_end,
    ${[...query.keys, ...Object.entries(query.values).map(([as, sql]) => `${sql} as ${as}`)].join(', ')}
  from (${pairs}) group by window_start_ms, window_end_ms${query.keys.map(k => `, ${k}`).join('')}`;
