// All text that comes from events goes through textContent: whatever it holds, it stays text.
const every = 2000;
const at = id => document.getElementById(id);
let chosen = null;
let queries = [];

const url = new URL(location.href);
if (url.searchParams.has('code')) {
  // The key leaves the address bar, so that it is neither bookmarked nor sent as a referrer.
  sessionStorage.setItem('key', url.searchParams.get('code'));
  url.searchParams.delete('code');
  history.replaceState(null, '', url);
}

class KeyNeeded extends Error {}

async function get(path) {
  const key = sessionStorage.getItem('key');
  const answer = await fetch(path, { headers: key ? { 'x-functions-key': key } : {}, cache: 'no-store' });
  if (answer.status === 401 || answer.status === 403) throw new KeyNeeded();
  const body = await answer.text();
  if (!answer.ok) {
    let reason = '';
    try { reason = JSON.parse(body).error ?? ''; } catch { reason = body.slice(0, 200); }
    throw new Error(`${path} answered ${answer.status}. ${reason}`);
  }
  // Decimals keep their digits: numbers that a double cannot hold are shown as they came.
  return JSON.parse(body, (_, value, context) => typeof value === 'number' && context?.source && String(value) !== context.source ? context.source : value);
}

function element(tag, text, className) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

function show(value) {
  if (value === null || value === undefined) return '–';
  if (typeof value === 'number') return value.toLocaleString('en', { maximumFractionDigits: 4 });
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return String(value);
}

const clock = text => text ? new Date(text).toISOString().replace('T', ' ').replace(/\.\d+Z$/, ' UTC') : '–';

function table(id, columns, rows, rowClass) {
  const head = element('tr');
  for (const column of columns) head.append(element('th', column.title, column.number ? 'number' : ''));
  const body = rows.map(row => {
    const line = element('tr', undefined, rowClass?.(row));
    for (const column of columns) line.append(element('td', column.text(row), column.number ? 'number' : ''));
    return line;
  });
  const top = element('thead');
  top.append(head);
  const rest = element('tbody');
  rest.append(...body);
  at(id).replaceChildren(top, rest);
}

function pairs(id, title, counts) {
  table(id, [{ title, text: row => row[0] }, { title: 'count', number: true, text: row => show(row[1]) }], counts);
}

function latency(figures) {
  return figures?.p50 === null || figures?.p50 === undefined ? '–' : `${show(figures.p50)} / ${show(figures.p99)} ms`;
}

function showStatus(status) {
  at('pipeline').textContent = status.pipeline;
  at('state').textContent = status.state;
  at('state').dataset.state = status.state;
  at('age').textContent = `as of ${clock(status.updated_at)}`;
  const figures = [
    ['Events', show(status.events_in)], ['Events a second', show(status.events_per_second)], ['Waiting in Kafka', show(status.lag)],
    ['Event time reached', clock(status.frontier)], ['Visible in tables, p50 / p99', latency(status.latency_ms.tables)],
    ['In Delta, p50 / p99', latency(status.latency_ms.delta)], ['Open ranges', show(status.open_ranges)], ['Slices in memory', show(status.entities)],
  ].map(([name, value]) => {
    const box = element('div');
    box.append(element('dt', name), element('dd', value));
    return box;
  });
  at('figures').replaceChildren(...figures);
  const gaps = status.gaps.map(gap => element('li', `Partition ${gap.partition}: offsets ${gap.from} to ${gap.to} were gone before they could be read.`, 'active'));
  const alerts = status.alerts.map(alert => element('li', `${clock(alert.last_at)} · ${alert.name} · ${alert.subject}: ${alert.text}`, alert.active ? 'active' : 'quiet'));
  const nothing = gaps.length + alerts.length === 0 ? [element('li', 'None.', 'quiet')] : [];
  at('alerts').replaceChildren(...gaps, ...alerts, ...nothing);
  const number = (title, name) => ({ title, number: true, text: row => show(row[name]) });
  table('partitions', [number('partition', 'partition'), number('next offset', 'next'), number('log end', 'log_end'), number('lag', 'lag'),
    { title: 'latest event', text: row => clock(row.max_event_time) }], status.partitions);
  pairs('counts', 'count of', Object.entries(status.counts));
  pairs('costs', 'request', [...Object.entries(status.costs.storage_transactions), ...Object.entries(status.costs.entity_operations), ['delta_commit', status.costs.delta_commits]]);
  trouble(status.last_error ? `${status.last_error.where}: ${status.last_error.text}` : null);
}

function trouble(text) {
  at('trouble').hidden = !text;
  at('trouble').textContent = text ?? '';
}

function showQueries() {
  at('queries').replaceChildren(...queries.map(query => {
    const button = element('button', query.name);
    button.type = 'button';
    button.setAttribute('aria-pressed', String(query.name === chosen));
    button.addEventListener('click', () => {
      chosen = query.name;
      at('rows').replaceChildren();
      at('rows-state').textContent = 'Loading …';
      showQueries();
      refreshRows().catch(failed);
    });
    return button;
  }));
}

async function refreshRows() {
  const query = queries.find(q => q.name === chosen);
  if (!query) return;
  const { rows } = await get(`api/queries/${encodeURIComponent(query.name)}?limit=50`);
  if (query.name !== chosen) return;
  at('rows-state').textContent = rows.length === 0 ? 'No rows yet: they appear with the first events of this query.' : `Newest ${rows.length} rows; those in italics still change.`;
  const columns = query.columns.map(column => ({
    title: column.name,
    number: ['int32', 'int64', 'double', 'decimal'].includes(column.type),
    text: row => column.type === 'timestamp' ? clock(row[column.name]) : show(row[column.name]),
  }));
  if (rows.length > 0) table('rows', [...columns, { title: 'final', text: row => show(row.is_final) }], rows, row => row.is_final ? '' : 'open');
  else at('rows').replaceChildren();
}

function failed(error) {
  if (error instanceof KeyNeeded) {
    at('key-form').hidden = false;
    at('state').textContent = 'key needed';
    at('rows-state').textContent = '';
    return;
  }
  at('state').textContent = 'away';
  at('state').dataset.state = 'away';
  trouble(`The app does not answer as it should; trying again. ${error.message}`);
}

async function refresh() {
  try {
    const status = await get('api/status');
    at('key-form').hidden = true;
    showStatus(status);
    if (queries.length === 0) {
      queries = await get('api/queries');
      chosen ??= queries[0]?.name ?? null;
      showQueries();
    }
    await refreshRows();
  } catch (error) {
    failed(error);
  }
  setTimeout(refresh, document.hidden ? every * 5 : every);
}

at('key-form').addEventListener('submit', event => {
  event.preventDefault();
  sessionStorage.setItem('key', at('key').value.trim());
  at('key').value = '';
});
refresh();
