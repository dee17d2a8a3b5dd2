// Text from events only ever becomes text nodes and attributes that hold no code: whatever it says, it stays text.
const svgSpace = 'http://www.w3.org/2000/svg';

export const at = id => document.getElementById(id);

/** An element: el('p', 'quiet', 'text') or el('p', { class: 'quiet', title: 'x' }, child, 'text', …). */
export function el(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** The same in SVG. */
export function svg(tag, attributes, ...children) {
  return fill(document.createElementNS(svgSpace, tag), attributes, children);
}

function fill(node, attributes, children) {
  if (typeof attributes === 'string') node.setAttribute('class', attributes);
  else for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? '' : String(value));
  }
  node.append(...children.flat(Infinity).filter(child => child !== null && child !== undefined).map(child => child instanceof Node ? child : String(child)));
  return node;
}

const shownIn = new WeakMap();

/** Replaces what a node holds, unless it would show the same; the control in focus keeps it (by data-key). */
export function swap(node, ...children) {
  const held = document.createDocumentFragment();
  held.append(...children.flat(Infinity).filter(child => child !== null && child !== undefined));
  const probe = el('div', '');
  probe.append(held);
  const shown = probe.innerHTML;
  if (shownIn.get(node) === shown && probe.querySelector('[data-live]') === null) return;
  const focus = node.contains(document.activeElement) ? document.activeElement?.dataset?.key : undefined;
  node.replaceChildren(...probe.childNodes);
  shownIn.set(node, shown);
  if (focus !== undefined) [...node.querySelectorAll('[data-key]')].find(other => other.dataset.key === focus)?.focus();
}

/** A number or text as people read it. Decimals that came with more digits than a double holds are strings, and stay as they are. */
export function show(value) {
  if (value === null || value === undefined) return '–';
  if (typeof value === 'number') return value.toLocaleString('en', { maximumFractionDigits: Math.abs(value) >= 100 ? 0 : 2 });
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return String(value);
}

export const money = value => value === null || value === undefined ? '–' : Number(value).toLocaleString('en', { minimumFractionDigits: 2, maximumFractionDigits: 2 });

export const percent = value => value === null || value === undefined ? '–' : `${Number(value).toLocaleString('en', { maximumFractionDigits: 1 })} %`;

export function bytes(value) {
  if (value === null || value === undefined) return '–';
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) { value /= 1024; unit++; }
  return `${value.toLocaleString('en', { maximumFractionDigits: unit && value < 100 ? 1 : 0 })} ${units[unit]}`;
}

export function duration(milliseconds) {
  if (milliseconds === null || milliseconds === undefined) return '–';
  const s = milliseconds / 1000;
  if (s < 0) return `−${duration(-milliseconds)}`;
  if (s < 1) return `${Math.round(milliseconds)} ms`;
  if (s < 120) return `${s.toLocaleString('en', { maximumFractionDigits: 1 })} s`;
  if (s < 7200) return `${Math.floor(s / 60)} min ${Math.round(s % 60)} s`;
  if (s < 172800) return `${Math.floor(s / 3600)} h ${Math.round(s % 3600 / 60)} min`;
  return `${Math.floor(s / 86400)} d ${Math.round(s % 86400 / 3600)} h`;
}

/** Date and time, UTC. */
export const clock = text => text ? new Date(text).toISOString().replace('T', ' ').replace(/(\.\d+)?Z$/, '') : '–';

/** Time of day, UTC. */
export const time = text => text ? new Date(text).toISOString().slice(11, 19) : '–';

/** A table: columns are { title, number, text(row), node(row), wrap }. */
export function table(caption, columns, rows, rowClass) {
  const head = el('tr', {}, columns.map(column => el('th', { scope: 'col', class: column.number ? 'number' : null }, column.title)));
  const body = rows.map(row => el('tr', { class: rowClass?.(row) || null }, columns.map(column => {
    const text = column.node ? null : column.text(row);
    return el('td', { class: column.number ? 'number' : column.wrap ? 'wrap' : null, title: !column.wrap && text && String(text).length > 36 ? text : null }, column.node ? column.node(row) : text);
  })));
  return el('div', { class: 'scroll', tabindex: '0', role: 'group', 'aria-label': caption }, el('table', {}, el('caption', {}, caption), el('thead', {}, head), el('tbody', {}, body)));
}

/** What is shown where there is nothing to show yet. */
export const empty = (title, text) => el('div', 'empty', el('strong', {}, title), text);

export const card = (title, ...children) => el('section', 'card', el('h2', {}, title), ...children);

/** Bars of equal measure with names and values: rows are { name, value, text, href }. */
export function bars(rows) {
  const most = Math.max(...rows.map(row => Number(row.value) || 0), 1e-9);
  return el('ul', 'bars', rows.map(row => el('li', {},
    el('span', { class: 'name', title: row.name }, row.href ? el('a', { href: row.href }, row.name) : row.name),
    el('meter', { min: 0, max: most, value: Math.max(Number(row.value) || 0, 0), 'aria-label': row.name }),
    el('span', 'value', row.text))));
}
