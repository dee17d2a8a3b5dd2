// One request a line on standard input, one answer a line on standard output; both JSON.
import readline from 'node:readline';
import { parseBicep } from './bicep.mjs';
import { parseM } from './m.mjs';
import { parseYaml } from './yaml.mjs';
import { validate } from './schema.mjs';

const operations = { bicep: r => parseBicep(r.text), m: r => parseM(r.text), yaml: r => parseYaml(r.text), schema: r => validate(r.schemas, r.files) };
for await (const line of readline.createInterface({ input: process.stdin })) {
  let answer;
  try {
    const request = JSON.parse(line);
    answer = { value: await operations[request.op](request) };
  } catch (e) {
    answer = { error: String(e.message ?? e) };
  }
  process.stdout.write(JSON.stringify(answer) + '\n');
}
