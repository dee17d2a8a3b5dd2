// The examples of the docs, run as they stand there; of an answer that is shown, every field is in the real one.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';

function fields(shown, real, where, check) {
  if (Array.isArray(shown)) {
    if (shown.length > 0 && Array.isArray(real) && real.length > 0) fields(shown[0], real[0], `${where}[0]`, check);
    return;
  }
  if (shown === null || typeof shown !== 'object') return;
  for (const [name, value] of Object.entries(shown)) {
    check(real !== null && typeof real === 'object' && name in real, `${where}.${name} is shown in the docs and not answered`);
    if (real?.[name] !== undefined) fields(value, real[name], `${where}.${name}`, check);
  }
}

export async function examples(options, check) {
  const blocks = [...fs.readFileSync(options.docs, 'utf8').matchAll(/```sh\n([\s\S]*?)```(?:\n\n```json\n([\s\S]*?)```)?/g)];
  check(blocks.length >= 5, `The docs have only ${blocks.length} examples`);
  for (const [, commands, shown] of blocks) {
    let last = '';
    for (const command of commands.split('\n').filter(l => l.trim())) {
      try {
        last = execFileSync('bash', ['-c', command], { env: { ...process.env, TIDEMARK: options.address, KEY: options.key }, encoding: 'utf8' });
        check(last.length > 0, `${command} answered nothing`);
      } catch (e) {
        check(false, `${command} ended with ${e.status}: ${e.stderr}`);
      }
    }
    if (shown && last) fields(JSON.parse(shown), JSON.parse(last), commands.split('\n')[0].slice(-60), check);
  }
}
