// What viewers of the page cost: processor time of the running program with and without them, in turns, in one run.
//   ./bench viewers [--viewers 20] [--seconds 20] [--rounds 4] [--rate 20]
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';

const option = (name, otherwise) => { const at = process.argv.indexOf(`--${name}`); return at < 0 ? otherwise : Number(process.argv[at + 1]); };
const [viewers, seconds, rounds, rate] = [option('viewers', 20), option('seconds', 20), option('rounds', 4), option('rate', 20)];
const program = new URL('../../src/LocalHost/bin/Release/net10.0/Tidemark.LocalHost', import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), 'tidemark-viewers-'));
const host = spawn(program, ['--data', join(folder, 'data'), '--port', '0', '--rate', String(rate)], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
const pause = ms => new Promise(done => setTimeout(done, ms));

/** Seconds of processor time that the program has used: fields 14 and 15 of its stat, in hundredths. */
const used = () => { const after = readFileSync(`/proc/${host.pid}/stat`, 'utf8').split(') ')[1].split(' '); return (Number(after[11]) + Number(after[12])) / 100; };

async function viewer(base, key, until, seen) {
  let etag;
  await pause(Math.random() * 2000);
  while (performance.now() < until) {
    const began = performance.now();
    const answer = await fetch(`${base}/api/overview`, { headers: { 'x-functions-key': key, 'accept-encoding': 'gzip', ...(etag ? { 'if-none-match': etag } : {}) } });
    const body = await answer.text();
    seen.requests++;
    if (answer.status === 304) seen.unchanged++; else if (answer.status === 200) seen.characters += body.length; else throw new Error(`answered ${answer.status}`);
    etag = answer.headers.get('etag') ?? etag;
    await pause(Math.max(0, 2000 - (performance.now() - began)));
  }
}

async function phase(base, key, count) {
  const seen = { requests: 0, unchanged: 0, characters: 0 };
  const [cpu, began] = [used(), performance.now()];
  const until = began + seconds * 1000;
  await Promise.all([pause(seconds * 1000), ...Array.from({ length: count }, () => viewer(base, key, until, seen))]);
  return { share: (used() - cpu) / ((performance.now() - began) / 1000) / cpus().length, ...seen };
}

try {
  let text = '';
  host.stdout.on('data', data => { text += data; });
  const ended = new Promise((_, fail) => host.on('exit', code => fail(new Error(`the program ended with ${code}\n${text}`))));
  ended.catch(() => {});
  const ready = async () => {
    for (;;) {
      const found = /(http:\/\/127\.0\.0\.1:\d+)\S*#key=([0-9a-f]+)/.exec(text);
      if (found) return found.slice(1);
      await pause(100);
    }
  };
  const [base, key] = await Promise.race([ready(), ended]);
  const caughtUp = async () => {
    for (;;) {
      const status = await (await fetch(`${base}/api/status`, { headers: { 'x-functions-key': key } })).json();
      if (status.frontier && Date.now() - Date.parse(status.frontier) < 60000 && status.lag < rate * 5) return;
      await pause(500);
    }
  };
  await Promise.race([caughtUp(), ended]);
  await phase(base, key, viewers);
  const [without, having] = [[], []];
  for (let round = 0; round < rounds; round++) {
    without.push(await phase(base, key, 0));
    having.push(await phase(base, key, viewers));
  }
  const mean = list => list.reduce((sum, one) => sum + one.share, 0) / list.length;
  const all = name => having.reduce((sum, one) => sum + one[name], 0);
  console.log(`${rate} events/s, ${rounds} times ${seconds} s without and with ${viewers} viewers; share of ${cpus().length} cores that the program uses`);
  console.log(`without ${(100 * mean(without)).toFixed(2)} % (${without.map(one => (100 * one.share).toFixed(1)).join(' ')})`);
  console.log(`with    ${(100 * mean(having)).toFixed(2)} % (${having.map(one => (100 * one.share).toFixed(1)).join(' ')})`);
  console.log(`viewers ${(100 * (mean(having) - mean(without))).toFixed(2)} % of the machine, ${(all('requests') / rounds / seconds).toFixed(1)} requests/s, ${(100 * all('unchanged') / all('requests')).toFixed(0)} % unchanged, ${Math.round(all('characters') / Math.max(1, all('requests') - all('unchanged')) / 1000)} KB of JSON in each of the others`);
} finally {
  host.kill('SIGTERM');
  await new Promise(done => host.exitCode !== null || host.signalCode !== null ? done() : host.on('exit', done));
  rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 200 });
}
