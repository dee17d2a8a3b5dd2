import { svg, show, bytes, duration } from './dom.js';

/** How bad a place is: a lag is judged by the seconds of work that it is. */
export function tones(status, view) {
  const rate = Math.max(view.processed_per_second ?? status.events_per_second ?? 0, 1);
  const active = new Set(status.alerts.filter(alert => alert.active).map(alert => alert.name));
  const lag = l => l > rate * 60 && l > 100 ? 'bad' : l > rate * 10 && l > 100 ? 'warn' : 'good';
  return {
    lag,
    partitions: active.has('lag') || active.has('falling-behind') ? 'bad' : lag(status.lag),
    batches: active.has('trigger-stalled') ? 'bad' : 'good',
    ledger: status.hold ? 'bad' : status.open_ranges > 1000 ? 'warn' : 'good',
    entities: active.has('entity-stuck') || active.has('entity-forgot') || active.has('entity-fault') ? 'bad' : active.has('state-near-limit') ? 'warn' : 'good',
    tick: active.has('tick-slow') || active.has('batch-over-interval') ? 'bad' : status.tick_ms > 5000 ? 'warn' : 'good',
    tables: active.has('maintenance') || active.has('small-files') ? 'warn' : 'good',
  };
}

function box(x, y, width, height, tone, title, ...lines) {
  const words = tone === 'bad' ? ' – slow' : tone === 'warn' ? ' – look' : '';
  return svg('g', { 'data-tone': tone },
    svg('rect', { x, y, width, height, rx: 7 }),
    svg('text', { x: x + 10, y: y + 19, 'font-weight': 600 }, title + words),
    lines.map((line, i) => svg('text', { x: x + 10, y: y + 37 + i * 16, class: 'small' }, line)));
}

function edge(x1, y1, x2, y2, tone, text) {
  return [
    svg('path', { class: 'edge', 'data-tone': tone, d: `M${x1},${y1} C${(x1 + x2) / 2},${y1} ${(x1 + x2) / 2},${y2} ${x2},${y2}`, 'marker-end': 'url(#tip)' }),
    text ? svg('text', { class: 'small', x: (x1 + x2) / 2, y: (y1 + y2) / 2 - 7, 'text-anchor': 'middle' }, text) : null,
  ];
}

const rate = value => `${show(value ?? 0)}/s`;
const sum = (edges, prefix) => Object.entries(edges).filter(([name]) => name.startsWith(prefix)).reduce((all, [, value]) => all + value, 0);

/** The flow as a picture: partitions → batches → ledger → entities and tables, with what goes over each edge now. */
export function flow(status, view) {
  const tone = tones(status, view);
  const edges = view.edges_per_second ?? {};
  const parts = status.partitions.slice(0, 8);
  const height = Math.max(parts.length * 34 + 40, 290);
  const middle = height / 2;
  const label = `Flow: ${show(status.events_per_second)} records a second from ${status.partitions.length} partitions, lag ${show(status.lag)}; `
    + `${show(status.open_ranges)} open ranges; ${show(status.entities)} entities; tick ${show(status.tick_ms)} ms; `
    + `${rate(sum(edges, 'committed/'))} rows to Delta, ${rate(sum(edges, 'published/'))} to Table storage.`;
  const backlog = view.backlog ?? 0;
  return svg('svg', { class: 'flow', viewBox: `0 0 980 ${height}`, role: 'img', 'aria-label': label },
    svg('defs', {}, svg('marker', { id: 'tip', viewBox: '0 0 8 8', refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: 'auto' }, svg('path', { d: 'M0,0 L8,4 L0,8 z' }))),
    parts.map((p, i) => {
      const y = 20 + i * ((height - 40) / Math.max(parts.length, 1));
      const bad = tone.lag(p.lag);
      return [
        svg('g', { 'data-tone': bad }, svg('rect', { x: 5, y, width: 150, height: 28, rx: 6 }),
          svg('text', { x: 13, y: y + 18 }, `partition ${p.partition}`), svg('text', { x: 148, y: y + 18, class: 'small', 'text-anchor': 'end' }, p.lag > 0 ? `lag ${show(p.lag)}` : 'caught up')),
        edge(155, y + 14, 225, middle, bad, null),
      ];
    }),
    status.partitions.length > parts.length ? svg('text', { x: 10, y: height - 3, class: 'small' }, `and ${status.partitions.length - parts.length} more`) : null,
    svg('text', { class: 'small', x: 190, y: 14, 'text-anchor': 'middle' }, rate(status.events_per_second)),
    box(225, middle - 40, 130, 80, tone.batches, 'Batches', `${rate(edges.ranges)} ranges`, `of ${show(edges.ranges ? status.events_per_second / edges.ranges : 0)} records`),
    edge(355, middle, 425, middle, tone.ledger, null),
    box(425, middle - 40, 140, 80, tone.ledger, 'Ledger', `${show(status.open_ranges)} open ranges`, status.hold ? 'reading waits' : bytes(status.open_bytes)),
    edge(565, middle - 20, 640, 58, tone.entities, null),
    edge(565, middle, 640, middle, tone.tick, null),
    box(640, 18, 150, 80, tone.entities, 'Entities', `${show(status.entities)} with state`, `backlog ${show(backlog)} ranges`),
    box(640, middle - 40, 150, 80, tone.tick, 'Tick', duration(status.tick_ms), `writing ${duration(view.phases_ms?.addBatch)}`),
    edge(715, 98, 715, middle - 40, tone.entities, null),
    edge(790, middle, 835, 60, tone.tables, null), edge(790, middle, 835, middle, tone.tables, null), edge(790, middle, 835, height - 62, tone.tables, null),
    box(835, 20, 140, 80, tone.tables, 'Bronze, silver', `${rate(sum(edges, 'committed/bronze') + sum(edges, 'committed/silver'))} rows`, `p99 ${duration(status.latency_ms.delta.p99)}`),
    box(835, middle - 40, 140, 80, tone.tables, 'Gold', `${rate(sum(edges, 'committed/gold'))} rows`, `p99 ${duration(status.latency_ms.delta.p99)}`),
    box(835, height - 100, 140, 80, tone.tables, 'Results', `${rate(sum(edges, 'published/'))} rows`, `p99 ${duration(status.latency_ms.tables.p99)}`));
}
