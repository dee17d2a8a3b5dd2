import { at, empty, duration, el } from './dom.js';
import { get, setKey, takeKey, KeyNeeded } from './api.js';
import overview from './overview.js';
import { list, detail } from './queries.js';
import { partitions, partition, entities, tables, lakeTable, quarantine, timeline } from './places.js';

const routes = [
  [/^$/, overview, 'Overview'], [/^queries$/, list, 'Queries'], [/^queries\/(.+)$/, detail, 'Query'],
  [/^partitions$/, partitions, 'Partitions'], [/^partitions\/(\d+)$/, partition, 'Partition'],
  [/^quarantine$/, quarantine, 'Quarantine'], [/^tables$/, tables, 'Tables'], [/^tables\/(.+)$/, lakeTable, 'Table'],
  [/^entities$/, entities, 'Entities'], [/^timeline$/, timeline, 'Timeline'],
];
const main = at('main');
const staleAfter = 15000;
let current = null;
let turn = 0;
let first = true;

function tone(state) {
  return { running: 'good', drained: 'good', holding: 'warn', starting: 'warn', stale: 'warn', 'key needed': 'warn', failing: 'bad', away: 'bad' }[state] ?? '';
}

function header(status, state = status?.state) {
  at('state').textContent = state;
  at('state').dataset.tone = tone(state);
  if (!status) return;
  at('pipeline').textContent = status.pipeline;
  at('age').textContent = `as of ${new Date(status.updated_at).toISOString().slice(11, 19)}`;
}

function trouble(text, className) {
  at('trouble').hidden = !text;
  at('trouble').textContent = text ?? '';
  at('trouble').className = className ?? 'trouble';
}

/** The status in words: what failed, or how old it is. */
function told(status) {
  const age = Date.now() - Date.parse(status.updated_at);
  if (status.last_error) {
    header(status);
    trouble(`${status.last_error.where} failed and is tried again: ${status.last_error.text}`);
  } else if (age > staleAfter && status.state !== 'starting') {
    header(status, 'stale');
    trouble(`Nothing has ticked for ${duration(age)}: these figures are old. See “pipeline stands still” in docs/runbook.md.`, 'stale-note trouble');
  } else {
    header(status);
    trouble(null);
  }
}

function failed(error) {
  if (error instanceof KeyNeeded) {
    at('key-form').hidden = false;
    header(null, 'key needed');
    trouble(null);
    if (main.querySelector('#loading')) main.replaceChildren(empty('A key is needed', 'Paste a function key above; nothing is shown without it.'));
    return;
  }
  header(null, 'away');
  trouble(`The app does not answer as it should; trying again. ${error.message}`);
  if (main.querySelector('#loading')) main.querySelector('#loading').textContent = 'Still waiting for the first answer …';
}

async function refresh(mine) {
  if (mine !== turn) return;
  const page = current;
  try {
    const answers = await Promise.all(page.paths.map(get));
    // The overview brings the status along; elsewhere it is asked for.
    const status = answers[0]?.status?.state ? answers[0].status : await get('api/status');
    if (mine !== turn) return;
    at('key-form').hidden = true;
    told(status);
    page.render(...answers);
    performance.mark('shown');
    document.documentElement.dataset.ready = location.hash || '#/';
  } catch (error) {
    if (mine !== turn) return;
    failed(error);
  }
  setTimeout(refresh, document.hidden ? page.every * 5 : page.every, mine);
}

function go() {
  if (takeKey()) first = true;
  const [path, query] = location.hash.replace(/^#\/?/, '').split('?', 2);
  const route = routes.find(([pattern]) => pattern.test(path)) ?? null;
  turn++;
  delete document.documentElement.dataset.ready;
  for (const link of at('pages').children) {
    const own = link.getAttribute('href').slice(2);
    const here = own === '' ? path === '' : path === own || path.startsWith(`${own}/`);
    if (here) link.setAttribute('aria-current', 'page'); else link.removeAttribute('aria-current');
  }
  if (!route) {
    main.replaceChildren(el('h1', {}, 'No such page'), empty('Nothing is here', 'The links above lead to all there is.'));
    document.title = 'Tidemark';
    return;
  }
  const part = decodeURIComponent(route[0].exec(path)[1] ?? '');
  document.title = `${part || route[2]} · Tidemark`;
  const loading = el('div', { class: 'empty', id: 'loading', role: 'status' }, 'Loading …');
  main.replaceChildren(loading);
  const holder = el('div', 'page');
  const made = route[1](holder, part, new URLSearchParams(query ?? ''));
  const render = made.render;
  current = { ...made, render(...answers) {
    // The page takes the place of “Loading” with its first answer, so that charts know how wide they are.
    if (loading.isConnected) main.replaceChildren(holder);
    render.apply(made, answers);
  } };
  if (!first) main.focus({ preventScroll: false });
  first = false;
  refresh(turn);
}

at('key-form').addEventListener('submit', event => {
  event.preventDefault();
  setKey(at('key').value.trim());
  at('key').value = '';
  go();
});
document.querySelector('.skip').addEventListener('click', event => { event.preventDefault(); main.focus(); });
addEventListener('hashchange', go);
document.addEventListener('visibilitychange', () => { if (!document.hidden && current) { turn++; refresh(turn); } });
const again = () => { if (current) { turn++; refresh(turn); } };
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', again);
let resizing = 0;
addEventListener('resize', () => { clearTimeout(resizing); resizing = setTimeout(again, 200); });
go();
