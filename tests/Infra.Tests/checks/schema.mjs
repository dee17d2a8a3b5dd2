import fs from 'node:fs';
import path from 'node:path';
import Ajv from 'ajv';

const cache = new Map();

// All schema.json files below a folder, known by the address that follows from their place; or one schema file for everything.
function load(schemas) {
  if (cache.has(schemas)) return cache.get(schemas);
  const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false });
  let single = null;
  if (fs.statSync(schemas).isFile()) single = ajv.compile(JSON.parse(fs.readFileSync(schemas, 'utf8')));
  else {
    for (const entry of fs.readdirSync(schemas, { recursive: true })) {
      if (!/(^|[\\/])schema(-embedded)?\.json$/.test(entry)) continue;
      const schema = JSON.parse(fs.readFileSync(path.join(schemas, entry), 'utf8'));
      schema.$id = 'https://developer.microsoft.com/json-schemas/' + entry.split(path.sep).join('/');
      ajv.addSchema(schema, schema.$id);
    }
  }
  const loaded = { ajv, single };
  cache.set(schemas, loaded);
  return loaded;
}

// Per file what is wrong with it; files: name to parsed JSON.
export function validate(schemas, files) {
  const { ajv, single } = load(schemas);
  const problems = [];
  for (const [name, content] of Object.entries(files)) {
    const check = single ?? (content.$schema ? ajv.getSchema(content.$schema) : null);
    if (!check) problems.push(`${name}: ${content.$schema ? `no schema ${content.$schema}` : 'has no $schema'}`);
    else if (!check(content)) for (const e of check.errors.slice(0, 5)) problems.push(`${name}: ${e.instancePath || '/'} ${e.message} ${JSON.stringify(e.params)}`);
  }
  return problems;
}
