// The key travels in a header only: never in an address, which servers and proxies write down.
const known = new Map();
let scopeKey = 'key';

export class KeyNeeded extends Error {}

/** Takes a key out of the address: everything after # stays in the browser. True when there was one. */
export function takeKey() {
  const match = /^#key=(.+)$/.exec(location.hash);
  if (!match) return false;
  sessionStorage.setItem(scopeKey, decodeURIComponent(match[1]));
  history.replaceState(null, '', location.pathname + '#/');
  return true;
}

export const setKey = key => sessionStorage.setItem(scopeKey, key);

function headers(more) {
  const key = sessionStorage.getItem(scopeKey);
  return key ? { ...more, 'x-functions-key': key } : more;
}

/** Decimals keep their digits: a number that a double would change comes as its text. */
const digits = (_, value, context) => typeof value === 'number' && context?.source !== undefined && String(value) !== context.source ? context.source : value;

async function check(answer, path) {
  if (answer.status === 401 || answer.status === 403) throw new KeyNeeded();
  if (answer.ok) return;
  const text = await answer.text();
  let reason = text.slice(0, 200);
  try { reason = JSON.parse(text).detail ?? reason; } catch { /* not JSON: the text says it */ }
  throw new Error(`${path} answered ${answer.status}. ${reason}`);
}

/** What the path answers; the same object as before while it has not changed. */
export async function get(path) {
  const last = known.get(path);
  const answer = await fetch(path, { headers: headers(last ? { 'if-none-match': last.etag } : {}), cache: 'no-store', signal: AbortSignal.timeout(20000) });
  if (answer.status === 304) return last.value;
  await check(answer, path);
  const value = JSON.parse(await answer.text(), digits);
  const etag = answer.headers.get('etag');
  if (etag) {
    if (known.size > 50) known.clear();
    known.set(path, { etag, value });
  }
  return value;
}

export async function post(path, body) {
  const answer = await fetch(path, { method: 'POST', headers: headers({ 'content-type': 'application/json' }), body: JSON.stringify(body), cache: 'no-store' });
  await check(answer, path);
  return answer.json();
}

/** Saves what the path answers as a file. A plain link could not carry the key. */
export async function download(path, name) {
  const answer = await fetch(path, { headers: headers({}), cache: 'no-store' });
  await check(answer, path);
  const link = document.createElement('a');
  link.href = URL.createObjectURL(await answer.blob());
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
