import { el, card, swap, show, clock, duration, empty } from './dom.js';
import { drawLines, figure, legend, queryLines } from './charts.js';
import { flow } from './flow.js';
import { panelCards } from './panels.js';

const late = status => Object.entries(status.counts).filter(([name]) => name.startsWith('late/')).reduce((all, [, n]) => all + n, 0);
const quarantined = status => Object.entries(status.counts).filter(([name]) => name.startsWith('quarantined/')).reduce((all, [, n]) => all + n, 0);

const pair = figures => figures?.p50 === null || figures?.p50 === undefined ? '–' : `${duration(figures.p50)} / ${duration(figures.p99)}`;

function figures(status, view) {
  const age = status.frontier ? Date.parse(status.updated_at) - Date.parse(status.frontier) : null;
  const rate = Math.max(view.processed_per_second ?? 0, 1);
  return [
    ['Events in', show(status.events_per_second), 'a second', null, 'in'],
    ['Rows out', show(view.rows_out_per_second), 'a second', null, 'out'],
    ['Waiting in Kafka', show(status.lag), 'records', status.lag > rate * 60 && status.lag > 100 ? 'bad' : status.lag > rate * 10 && status.lag > 100 ? 'warn' : null, 'lag'],
    ['Visible in tables, p50 / p99', pair(status.latency_ms.tables), '', null, 'latency'],
    ['In Delta, p50 / p99', pair(status.latency_ms.delta), '', null, 'latency-delta'],
    ['Watermark age', duration(age), '', null, 'watermark'],
    ['Events so far', show(status.events_in), '', null, 'total'],
    ['Late', show(late(status)), 'so far', null, 'late'],
    ['Quarantined', show(quarantined(status)), 'so far', null, 'quarantined'],
  ].map(([name, value, unit, tone, key]) => el('div', { 'data-tone': tone, 'data-figure': key }, el('dt', {}, name), el('dd', {}, value, unit ? el('small', {}, ` ${unit}`) : null)));
}

/** Alerts that are active, the worst first, then those of before; lost offsets are among them. */
export function alertList(status) {
  const order = ['critical', 'error', 'warning', 'informational'];
  const sorted = [...status.alerts].sort((a, b) => b.active - a.active || order.indexOf(a.severity) - order.indexOf(b.severity) || b.last_at.localeCompare(a.last_at));
  if (sorted.length === 0) return empty('All quiet', 'No alert has been raised.');
  return el('ul', 'alerts', sorted.slice(0, 12).map(alert => el('li', { class: alert.active ? 'active' : 'over', 'data-severity': alert.severity, 'data-alert': alert.name },
    el('strong', {}, `${alert.severity} · ${alert.name}`), ` ${alert.subject} `, el('span', 'quiet small', alert.active ? `since ${clock(alert.raised_at)}` : `over, last ${clock(alert.last_at)}`),
    el('div', {}, alert.text), alert.meaning ? el('div', 'small quiet', `${alert.meaning} See “${alert.name}” in docs/runbook.md.`) : null)));
}

/** Series of the pipeline itself. */
const series = [
  { title: 'Events in, rows out (a second)', unit: '', lines: h => [{ name: 'events in', colour: 0, y: h.in }, { name: 'rows out', colour: 1, y: h.out }] },
  { title: 'Waiting in Kafka (records)', unit: '', lines: h => [{ name: 'lag', colour: 4, y: h.lag }] },
  { title: 'Latency to tables (seconds)', unit: ' s', lines: h => [{ name: 'p50', colour: 0, y: h.p50.map(v => v === null ? null : v / 1000) }, { name: 'p99', colour: 1, y: h.p99.map(v => v === null ? null : v / 1000) }] },
];

export default function overview(root) {
  const parts = Object.fromEntries(['figures', 'alerts', 'flow', 'panels'].map(name => [name, el('div', {})]));
  parts.figures = el('dl', { class: 'figures', id: 'figures' });
  parts.panels = el('div', { class: 'grid', id: 'panels' });
  const seriesCards = series.map(one => ({ ...one, figure: figure(), legend: el('div', {}), note: el('div', {}) }));
  const charts = new Map();
  const chartGrid = el('div', { class: 'grid', id: 'charts' });
  root.replaceChildren(
    el('h1', 'hidden-visually', 'Overview'),
    parts.figures,
    el('div', 'split', card('Flow', el('div', { class: 'scroll', tabindex: '0', role: 'group', 'aria-label': 'Flow, scrolls sideways' }, parts.flow)), card('Alerts', el('div', { class: 'scroll tall', tabindex: '0', role: 'group', 'aria-label': 'Alerts' }, parts.alerts))),
    el('div', 'grid', seriesCards.map(one => card(one.title, one.figure, one.legend, one.note))),
    el('h2', {}, 'Now'), parts.panels,
    el('h2', {}, 'Every query, as time goes by'), chartGrid);

  function queryCharts(queries) {
    for (const query of queries) {
      const drawn = queryLines(query);
      if (!charts.has(query.name)) {
        const made = { figure: figure(), legend: el('div', {}), note: el('p', 'quiet small') };
        made.card = el('section', { class: 'card', 'data-query': query.name }, el('h3', {}, el('a', { href: `#/queries/${encodeURIComponent(query.name)}` }, query.name)), made.note, made.figure, made.legend);
        charts.set(query.name, made);
        chartGrid.append(made.card);
      }
      const made = charts.get(query.name);
      if (!drawn || drawn.x.length === 0) {
        made.note.textContent = query.rows.length === 0 ? 'No rows yet: they appear with the first events of this query.' : `${query.rows.length} newest rows; see its page.`;
        made.figure.hidden = true;
        continue;
      }
      made.figure.hidden = false;
      made.note.textContent = drawn.measure + (drawn.left > 0 ? `, the five largest of ${drawn.left + 5} groups` : '');
      const newest = drawn.lines.map(line => `${line.name} ${show(line.y.findLast(v => v !== null))}${line.open ? ', still changing' : ''}`).join('; ');
      drawLines(made.figure, drawn.x, drawn.lines, `${query.name}: ${drawn.measure} by window. Newest: ${newest}.`);
      swap(made.legend, legend(drawn.lines));
    }
  }

  return {
    paths: ['api/overview'], every: 2000,
    render({ status, view, queries }) {
      swap(parts.figures, ...figures(status, view));
      swap(parts.alerts, alertList(status));
      swap(parts.flow, status.partitions.length === 0 ? empty('Waiting for the first tick', 'The picture appears once the pipeline has looked at the topic.') : flow(status, view));
      const x = view.history.at.map(ms => ms / 1000);
      for (const one of seriesCards) {
        const lines = one.lines(view.history);
        one.figure.hidden = x.length < 2;
        swap(one.note, x.length < 2 ? empty('Gathering', 'The first points appear within a quarter of a minute.') : null);
        if (x.length < 2) continue;
        drawLines(one.figure, x, lines, `${one.title}: ${lines.map(line => `${line.name} now ${show(line.y.at(-1))}, at most ${show(Math.max(...line.y.filter(v => v !== null), 0))}`).join('; ')}.`, one.unit);
        swap(one.legend, legend(lines));
      }
      swap(parts.panels, ...panelCards(queries, view.open_rows));
      queryCharts(queries);
    },
    resized: () => charts.size,
  };
}
