import { el, card, bars, empty, table, show, money, percent, clock, time, duration } from './dom.js';

/** Rows of a query as objects, newest first, each with is_final. */
export function objects(query) {
  return query.rows.map(row => Object.fromEntries([...query.columns.map((column, i) => [column.name, row[i]]), ['is_final', row[query.columns.length]]]));
}

/** The newest window that is closed, else the newest there is; its rows. */
function window(query, wanted = row => row.is_final) {
  const rows = objects(query);
  const first = rows.find(wanted) ?? rows[0];
  return first ? rows.filter(row => row.window_start === first.window_start) : [];
}

const span = row => `${time(row.window_start)} to ${time(row.window_end)}`;
const note = row => el('p', 'quiet small', `${span(row)} UTC, ${row.is_final ? 'closed' : 'still changing'}`);
const link = query => el('a', { href: `#/queries/${encodeURIComponent(query.name)}`, class: 'small' }, `All of ${query.name}`);
const seconds = value => value === null || value === undefined ? '–' : duration(Number(value) * 1000);

/** The first of these columns that the query has. */
const column = (query, ...names) => names.find(name => query.columns.some(c => c.name === name));
const like = (query, pattern) => query.columns.find(c => pattern.test(c.name))?.name;

function funnel(query) {
  const rows = window(query);
  if (rows.length === 0) return null;
  const row = rows[0];
  const stages = [['Viewed', row.unique_visitors], ['Put into the cart', row.cart_users], ['Bought', row.purchasers]];
  return [note(row), bars(stages.map(([name, value]) => ({ name, value, text: `${show(value)} (${percent(row.unique_visitors ? 100 * value / row.unique_visitors : null)})` }))), link(query)];
}

function revenue(key, measure) {
  return query => {
    const rows = window(query, key === 'country' ? () => true : row => row.is_final).sort((a, b) => Number(b[measure] ?? 0) - Number(a[measure] ?? 0)).slice(0, 8);
    if (rows.length === 0) return null;
    return [note(rows[0]), bars(rows.map(row => ({ name: row[key] ?? '(none)', value: row[measure], text: money(row[measure]) }))), link(query)];
  };
}

function ranking(query) {
  const name = column(query, 'product_name', 'product_id', 'category', 'user_id') ?? query.keys[0];
  const measure = query.columns.find(c => ['int64', 'int32', 'double', 'decimal'].includes(c.type) && c.name !== 'rank' && !query.keys.includes(c.name))?.name;
  const rows = (query.columns.some(c => c.name === 'window_start') ? window(query) : objects(query)).slice();
  if (rows.length === 0 || !name || !measure) return null;
  rows.sort((a, b) => Number(b[measure] ?? 0) - Number(a[measure] ?? 0));
  return [rows[0].window_start ? note(rows[0]) : null, bars(rows.slice(0, 10).map(row => ({ name: String(row[name] ?? '(none)'), value: row[measure], text: show(row[measure]) }))), link(query)];
}

function sessions(query, open) {
  const rows = objects(query);
  if (rows.length === 0 && !open) return null;
  const now = open === undefined ? null : el('p', { class: 'headline', 'data-figure': 'sessions-now' }, el('strong', {}, show(open)), ` session${open === 1 ? '' : 's'} now`);
  const [user, start, end] = [column(query, 'user_id'), column(query, 'session_start', 'window_start', 'start_time'), column(query, 'session_end', 'window_end', 'end_time')];
  const [events, spent, length] = [column(query, 'events', 'event_count'), column(query, 'revenue', 'total_revenue'), like(query, /duration/)];
  const shown = [
    user && { title: 'user', node: row => el('a', { href: `#/timeline?user=${encodeURIComponent(row[user])}` }, String(row[user])) },
    end && { title: 'ended', text: row => time(row[end]) },
    { title: 'length', text: row => length ? seconds(/ms/.test(length) ? row[length] / 1000 : row[length]) : start && end ? duration(Date.parse(row[end]) - Date.parse(row[start])) : '–' },
    events && { title: 'events', number: true, text: row => show(row[events]) },
    spent && { title: 'revenue', number: true, text: row => money(row[spent]) },
  ].filter(Boolean);
  return [now, rows.length === 0 ? null : table('Sessions that ended last', shown, rows.slice(0, 8)), link(query)];
}

function purchaseTimes(query) {
  const rows = objects(query);
  const took = like(query, /seconds|_ms$|duration/);
  const known = took ? rows.map(row => row[took]).filter(value => value !== null).map(Number).sort((a, b) => a - b) : [];
  if (known.length === 0) return null;
  const at = share => duration(known[Math.min(known.length - 1, Math.floor(known.length * share))] * (/ms$/.test(took) ? 1 : 1000));
  const edges = [0, 60, 180, 300, 600, 1200, 1800, Infinity];
  const bins = edges.slice(0, -1).map((from, i) => ({ from, to: edges[i + 1], n: known.filter(v => { const s = /ms$/.test(took) ? v / 1000 : v; return s >= from && s < edges[i + 1]; }).length }));
  return [
    el('p', 'quiet small', `Last ${known.length} purchases: half within ${at(0.5)}, nine in ten within ${at(0.9)}`),
    bars(bins.filter(bin => bin.n > 0).map(bin => ({ name: bin.to === Infinity ? `over ${duration(bin.from * 1000)}` : `up to ${duration(bin.to * 1000)}`, value: bin.n, text: show(bin.n) }))), link(query),
  ];
}

function warnings(query) {
  const rows = objects(query).slice(0, 8);
  if (rows.length === 0) return null;
  const [rule, severity, score, text] = [column(query, 'rule', 'alert', 'kind'), column(query, 'severity'), column(query, 'score'), column(query, 'evidence', 'text', 'detail')];
  const [at, user] = [column(query, 'event_time', 'alert_time', 'window_end', 'time'), column(query, 'user_id')];
  return [el('ul', 'alerts', rows.map(row => el('li', { 'data-severity': row[severity] ?? 'warning' },
    el('strong', {}, `${severity ? `${row[severity]} · ` : ''}${rule ? row[rule] : query.name}`), ` ${at ? clock(row[at]) : ''} ${score ? `score ${show(row[score])}` : ''} `,
    user && row[user] !== null ? el('a', { href: `#/timeline?user=${encodeURIComponent(row[user])}` }, String(row[user])) : null,
    text ? el('div', 'small quiet', String(row[text] ?? '').slice(0, 300)) : null))), link(query)];
}

const waiting = 'This pipeline has no such query. The panel fills itself once one of this name is deployed.';
const soon = 'Its first rows appear with the first events that it counts.';

/** Panels that draw a query in its own way, by the names that the query may have. */
export const panels = [
  { title: 'Funnel', names: ['conversion_funnel'], draw: funnel },
  { title: 'Revenue by category', names: ['revenue_by_category'], draw: revenue('category', 'total_revenue') },
  { title: 'Revenue by country', names: ['country_revenue'], draw: revenue('country', 'revenue') },
  { title: 'Sessions', names: ['user_sessions', 'sessions'], draw: sessions },
  { title: 'From click to purchase', names: ['click_to_purchase'], draw: purchaseTimes },
  { title: 'Top products', names: ['top_products'], draw: ranking },
  { title: 'Most active users', names: ['active_users'], draw: ranking, optional: true },
  { title: 'Trending categories', names: ['trending_categories'], draw: ranking, optional: true },
  { title: 'Shop alerts', names: ['fraud_alerts', 'alerts'], draw: warnings },
];

/** The panels as cards; what is not there yet says so. */
export function panelCards(queries, openRows = {}) {
  return panels.map(panel => {
    const query = panel.names.map(name => queries.find(q => q.name === name)).find(Boolean);
    if (!query) return panel.optional ? null : card(panel.title, empty('Not deployed', waiting));
    return card(panel.title, ...(panel.draw(query, openRows[query.name]) ?? [empty('Nothing yet', soon)]));
  }).filter(Boolean);
}
