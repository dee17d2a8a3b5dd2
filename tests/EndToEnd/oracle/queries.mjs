// The window queries, stated in SQL once more and on their own. Times in milliseconds; windows are aligned to 1970-01-01T00:00:00Z.
// A query with a top keeps the first rows of each window; one with having, the rows that pass; a delay is all that a window waits after its end.
const MINUTE = 60_000, HOUR = 60 * MINUTE, DAY = 24 * HOUR;
const VIEWS = "event_type in ('view', 'page_view')";
const PURCHASES = "event_type = 'purchase'";
const CARTS = "event_type = 'add_to_cart'";

const share = (part, whole) => `case when count(distinct user_id) filter (${whole}) = 0 then null
  else count(distinct user_id) filter (${part})::double * 100 / count(distinct user_id) filter (${whole}) end`;

const texts = (list, limit) => `to_json(coalesce(list_sort(list(distinct ${list}) filter (${list} is not null)), [])[1:${limit}])::VARCHAR`;

export const QUERIES = [
  {
    name: 'event_counts', size: MINUTE, slide: MINUTE / 2, delay: 10 * MINUTE, where: 'true', keys: ['event_type'],
    values: { events: 'count(*)' },
  },
  {
    name: 'action_counts', size: 5 * MINUTE, slide: 5 * MINUTE, delay: 10 * MINUTE, where: 'true', keys: ['event_type'],
    values: { actions: 'count(*)', users: 'count(distinct user_id)' },
  },
  {
    name: 'category_views', size: 5 * MINUTE, slide: 5 * MINUTE, delay: 2 * MINUTE, where: VIEWS, keys: ['category'],
    values: {
      view_count: 'count(*)',
      unique_users: 'count(distinct user_id)',
      unique_sessions: 'count(distinct session_id)',
    },
  },
  {
    name: 'realtime_dashboard', size: MINUTE, slide: MINUTE, delay: 15 * MINUTE, where: 'true', keys: ['action_category'],
    values: { events: 'count(*)', revenue: 'coalesce(sum(revenue), 0)',
      avg_order_value: `sum(revenue) filter (${PURCHASES})::double / nullif(count(revenue) filter (${PURCHASES}), 0)` },
  },
  {
    name: 'trending_categories', size: 2 * HOUR, slide: 5 * MINUTE, delay: 5 * MINUTE, where: `${VIEWS} and category is not null`, keys: ['category'],
    values: {
      views: `count(*) filter (event_ms >= window_start_ms + ${HOUR})`,
      views_before: `count(*) filter (event_ms < window_start_ms + ${HOUR})`,
      growth: `case when count(*) filter (event_ms < window_start_ms + ${HOUR}) > 0 then count(*) filter (event_ms >= window_start_ms + ${HOUR})::DOUBLE
        / count(*) filter (event_ms < window_start_ms + ${HOUR}) end`,
    },
    top: { count: 10, by: 'growth' },
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
  {
    name: 'hourly_purchases', size: HOUR, slide: HOUR, delay: 10 * MINUTE, where: PURCHASES, keys: [],
    values: { purchases: 'count(*)', average_purchase: 'sum(revenue)::double / count(revenue)', largest_purchase: 'max(revenue)' },
  },
  {
    name: 'daily_revenue', size: DAY, slide: DAY, delay: 10 * MINUTE, where: PURCHASES, keys: [],
    values: { revenue: 'coalesce(sum(revenue), 0)', purchases: 'count(*)', units: 'coalesce(sum(quantity), 0)::BIGINT' },
  },
  {
    name: 'top_products', size: MINUTE, slide: MINUTE / 2, delay: MINUTE, where: `${VIEWS} and product_id is not null`, keys: ['product_id'],
    values: { views: 'count(*)' }, top: { count: 10, by: 'views' },
  },
  {
    name: 'product_activity', size: 10 * MINUTE, slide: 10 * MINUTE, delay: 2 * MINUTE, where: 'product_id is not null', keys: ['product_id'],
    values: { views: `count(*) filter (${VIEWS})`, carts: `count(*) filter (${CARTS})`, purchases: `count(*) filter (${PURCHASES})` },
  },
  {
    name: 'active_users', size: 5 * MINUTE, slide: 5 * MINUTE, delay: 2 * MINUTE, where: 'true', keys: ['user_id'],
    values: { events: 'count(*)', last_seen: 'max(event_time)' }, top: { count: 10, by: 'events' },
  },
  {
    name: 'high_value_users', size: 5 * MINUTE, slide: MINUTE, delay: 5 * MINUTE, where: PURCHASES, keys: ['user_id'],
    values: { spent: 'sum(revenue)', purchases: 'count(*)', products_bought: texts('product_id', 100) }, having: 'spent > 100',
  },
  {
    name: 'session_users', size: 5 * MINUTE, slide: 5 * MINUTE, delay: 2 * MINUTE, where: 'session_id is not null', keys: ['session_id'],
    values: { users: 'count(distinct user_id)', countries: 'count(distinct country)', devices: 'count(distinct device_type)' },
    having: 'users > 1 or countries > 1',
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
export const result = (query, pairs) => {
  const groups = `
  select make_timestamptz(window_start_ms * 1000) as window_start, make_timestamptz(window_end_ms * 1000) as window_end,
    ${[...query.keys, ...Object.entries(query.values).map(([as, sql]) => `${sql} as ${as}`)].join(', ')}
  from (${pairs}) group by window_start_ms, window_end_ms${query.keys.map(k => `, ${k}`).join('')}`;
  const passed = query.having ? `select * from (${groups}) where ${query.having}` : groups;
  return query.top ? ranked(query, passed) : passed;
};

/** The first rows of each window, numbered; equal values in the order of the keys, null last. */
const ranked = (query, rows) => `
  select window_start, window_end, rank::INTEGER as rank, * exclude (window_start, window_end, rank)
  from (select *, row_number() over (partition by window_start order by ${query.top.by} desc nulls last, ${query.keys.map(k => `${k} nulls first`).join(', ')}) as rank from (${rows}))
  where rank <= ${query.top.count}`;
