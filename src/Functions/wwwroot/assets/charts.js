/* global uPlot */
import { el, show } from './dom.js';

const charts = new WeakMap();
const style = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const colours = () => [0, 1, 2, 3, 4, 5].map(i => style(`--c${i}`));

/** Which series are drawn dashed stays visible without colour; the table on the query's page says it in words. */
function options(lines, width, unit) {
  const [ink, line, palette] = [style('--quiet'), style('--line'), colours()];
  const axis = { stroke: ink, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 }, font: '12px system-ui, sans-serif' };
  return {
    width, height: 190, legend: { show: false }, cursor: { points: { size: 7 }, drag: { x: false, y: false } },
    tzDate: seconds => uPlot.tzDate(new Date(seconds * 1000), 'Etc/UTC'),
    scales: { y: { range: (_, least, most) => [Math.min(0, least ?? 0), (most ?? 0) > 0 ? most * 1.08 : 1] } },
    series: [{}, ...lines.map(made => ({
      label: made.name, stroke: palette[made.colour % 6], width: 2, dash: made.open ? [5, 4] : undefined, spanGaps: true,
      points: { show: made.open || made.y.filter(value => value !== null).length < 3, size: made.open ? 6 : 5, fill: made.open ? style('--card') : palette[made.colour % 6] },
    }))],
    axes: [{ ...axis, values: (_, marks) => marks.map(mark => new Date(mark * 1000).toISOString().slice(11, 16)) }, { ...axis, size: 62, values: (_, marks) => marks.map(mark => `${compact(mark)}${unit ?? ''}`) }],
  };
}

const compact = value => Math.abs(value) >= 10000 ? Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 }).format(value) : show(value);

/**
 * Draws lines { name, colour, open, y } over x (seconds) into a figure that keeps its chart from call to call. The figure names what it shows for
 * those who do not see it.
 */
export function drawLines(figure, x, lines, label, unit) {
  figure.setAttribute('role', 'img');
  figure.setAttribute('aria-label', label);
  const width = Math.max(figure.clientWidth, 120);
  const shape = JSON.stringify([lines.map(made => [made.name, made.colour, made.open, made.y.filter(v => v !== null).length < 3]), style('--ink')]);
  const known = charts.get(figure);
  if (known?.shape === shape) {
    if (known.chart.width !== width) known.chart.setSize({ width, height: 190 });
    known.chart.setData([x, ...lines.map(made => made.y)]);
    return;
  }
  known?.chart.destroy();
  figure.replaceChildren();
  charts.set(figure, { shape, chart: new uPlot(options(lines, width, unit), [x, ...lines.map(made => made.y)], figure) });
}

export const figure = () => el('div', { class: 'chart', 'data-live': '' });

export function legend(lines) {
  const names = lines.filter((made, i) => lines.findIndex(other => other.name === made.name) === i);
  return el('ul', 'legend', names.map(made => el('li', { class: `s${made.colour % 6}`, title: made.name }, el('span', {}), el('b', {}, made.name))),
    lines.some(made => made.open) ? el('li', 'quiet', 'dashed: still changing') : null);
}

const isNumber = column => ['int32', 'int64', 'double', 'decimal'].includes(column.type);

/** Columns of a query that can be drawn. */
export const measures = query => query.columns.filter(column => isNumber(column) && !query.keys.includes(column.name));

/**
 * Lines of a window query. With keys: one measure of the five groups that have most of it. Without: up to three measures. Windows that are still open
 * are a dashed line that goes on from the last closed one.
 */
export function queryLines(query, measure) {
  const column = name => query.columns.findIndex(c => c.name === name);
  const start = column('window_start');
  const final = query.columns.length;
  if (start < 0) return null;
  const drawn = query.keys.length === 0 && !measure ? measures(query).slice(0, 3).map(m => m.name) : [measure ?? measures(query)[0]?.name].filter(Boolean);
  if (drawn.length === 0) return null;
  const keys = query.keys.map(column);
  const groups = new Map();
  const times = new Set();
  for (const row of query.rows) {
    const seconds = Date.parse(row[start]) / 1000;
    times.add(seconds);
    for (const name of drawn) {
      const group = keys.length === 0 ? name : keys.map(k => row[k] ?? '(none)').join(' · ');
      if (!groups.has(group)) groups.set(group, { total: 0, at: new Map() });
      const value = row[column(name)];
      const made = groups.get(group);
      made.total += Math.abs(Number(value ?? 0));
      made.at.set(seconds, [value === null ? null : Number(value), row[final]]);
    }
  }
  const x = [...times].sort((a, b) => a - b);
  const most = [...groups].sort((a, b) => keys.length === 0 ? 0 : b[1].total - a[1].total).slice(0, keys.length === 0 ? 3 : 5);
  const lines = [];
  most.forEach(([name, group], colour) => {
    const closed = x.map(t => group.at.get(t)?.[1] === true ? group.at.get(t)[0] : null);
    const open = x.map(t => group.at.get(t)?.[1] === false ? group.at.get(t)[0] : null);
    const first = open.findIndex(value => value !== null);
    lines.push({ name, colour, open: false, y: closed });
    if (first < 0) return;
    const before = closed.findLastIndex((value, i) => i < first && value !== null);
    if (before >= 0) open[before] = closed[before];
    lines.push({ name, colour, open: true, y: open });
  });
  return { x, lines, left: groups.size - most.length, measure: keys.length === 0 ? drawn.join(', ') : drawn[0] };
}
