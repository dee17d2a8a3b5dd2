import { el, card, swap, table, empty, show, clock, duration } from './dom.js';
import { drawLines, figure, legend, measures, queryLines } from './charts.js';
import { download } from './api.js';

const window = query => query.size_ms === query.slide_ms ? duration(query.size_ms) : `${duration(query.size_ms)} every ${duration(query.slide_ms)}`;

export function list(root) {
  const body = el('div', {});
  root.replaceChildren(el('h1', {}, 'Queries'), body);
  return {
    paths: ['api/overview'], every: 4000,
    render({ queries, status }) {
      swap(body, queries.length === 0 ? empty('No queries', 'This pipeline computes none.') : card('What is computed', table('Queries', [
        { title: 'query', node: row => el('a', { href: `#/queries/${encodeURIComponent(row.name)}`, 'data-key': row.name }, row.name) },
        { title: 'window', text: window },
        { title: 'waits for late events', text: row => duration(row.delay_ms) },
        { title: 'mode', text: row => row.update ? 'update' : 'append' },
        { title: 'keys', text: row => row.keys.join(', ') || '–' },
        { title: 'closed up to', text: row => clock(status.positions[row.name]) },
        { title: 'late', number: true, text: row => show(status.counts[`late/${row.name}`] ?? 0) },
        { title: 'Delta table', node: row => el('a', { href: `#/tables/${row.delta_table}` }, row.delta_table) },
      ], queries)));
    },
  };
}

const cell = (column, row, i) => column.type === 'timestamp' ? clock(row[i]) : show(row[i]);

export function detail(root, name) {
  const title = el('h1', {}, name);
  const [words, facts, chart, legendBox, rows, progress] = [el('p', {}), el('dl', 'figures'), figure(), el('div', {}), el('div', {}), el('div', {})];
  const note = el('p', 'quiet small');
  const picked = el('select', { id: 'measure', onchange: () => again?.() });
  const problem = el('p', { class: 'trouble', role: 'alert', hidden: true });
  const save = el('button', { type: 'button', onclick: () => { problem.hidden = true; download(`api/queries/${encodeURIComponent(name)}?format=csv&limit=1000`, `${name}.csv`).catch(error => { problem.hidden = false; problem.textContent = error.message; }); } }, 'Download CSV');
  const chartCard = card('Chart', el('div', 'row', el('label', { for: 'measure' }, 'Measure'), picked), note, chart, legendBox);
  let again = null;
  root.replaceChildren(el('div', 'row between', title, save), problem, card('In words', words), facts, chartCard, card('Newest rows', rows), card('Progress', progress));
  return {
    paths: ['api/overview', 'api/progress'], every: 2000,
    render({ queries, status }, allProgress) {
      const query = queries.find(q => q.name === name);
      if (!query) {
        root.replaceChildren(title, empty('There is no such query', 'It may have been renamed; the list has all there are.'), el('p', {}, el('a', { href: '#/queries' }, 'All queries')));
        return;
      }
      words.textContent = query.description || 'This query has no description.';
      swap(facts, ...[['Window', window(query)], ['Waits for late events', duration(query.delay_ms)], ['Closed up to', clock(status.positions[name])], ['Late events', show(status.counts[`late/${name}`] ?? 0)],
        ['Table storage', query.table], ['Delta table', query.delta_table]].map(([key, value]) => el('div', {}, el('dt', {}, key), el('dd', {}, value))));
      if (picked.options.length === 0) picked.append(...measures(query).map(m => el('option', { value: m.name }, m.name)));
      again = () => {
        const drawn = queryLines(query, picked.value || undefined);
        chart.hidden = !drawn || drawn.x.length === 0;
        note.textContent = chart.hidden ? 'No windows yet: they appear with the first events of this query.' : `${drawn.measure} by window${drawn.left > 0 ? `, the five largest of ${drawn.left + 5} groups` : ''}`;
        if (chart.hidden) return;
        drawLines(chart, drawn.x, drawn.lines, `${name}: ${drawn.measure} by window; the table below has the numbers.`);
        swap(legendBox, legend(drawn.lines));
      };
      again();
      const columns = query.columns.map((column, i) => ({ title: column.name, number: ['int32', 'int64', 'double', 'decimal'].includes(column.type), text: row => cell(column, row, i) }));
      columns.push({ title: 'state', node: row => row[query.columns.length] ? el('span', {}, 'final') : el('span', 'mark', 'still changing') });
      swap(rows, query.rows.length === 0 ? empty('No rows yet', 'They appear with the first events of this query.') : table(`Newest ${Math.min(query.rows.length, 200)} rows`, columns, query.rows.slice(0, 200), row => row[query.columns.length] ? '' : 'open'));
      const own = allProgress.find(p => p.name === name);
      swap(progress, own ? table('The last tick, in the terms of Spark’s StreamingQueryProgress', [{ title: 'field', text: row => row[0] }, { title: 'value', text: row => row[1] }], fields(own))
        : empty('No tick yet', 'Progress appears with the first tick.'));
    },
  };
}

const fields = p => [
  ['batchId', p.batchId], ['timestamp', clock(p.timestamp)], ['numInputRows', show(p.numInputRows)], ['inputRowsPerSecond', show(p.inputRowsPerSecond)], ['processedRowsPerSecond', show(p.processedRowsPerSecond)],
  ['durationMs', Object.entries(p.durationMs).map(([k, v]) => `${k} ${v}`).join(', ')],
  ['eventTime', Object.entries(p.eventTime).map(([k, v]) => `${k} ${v}`).join(', ') || '–'],
  ...p.stateOperators.map(s => ['stateOperators', `${s.operatorName}: ${show(s.numRowsTotal)} rows, ${show(s.numRowsUpdated)} updated, ${show(s.memoryUsedBytes)} bytes, ${show(s.numRowsDroppedByWatermark)} dropped by watermark`]),
  ...p.sources.map(s => ['sources', `${s.description}: ${Object.entries(Object.values(s.endOffset)[0] ?? {}).map(([k, v]) => `${k} → ${v}`).join(', ')}`]),
  ['sink', `${p.sink.description}: ${show(p.sink.numOutputRows)} rows`],
];
