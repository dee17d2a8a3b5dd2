import YAML from 'yaml';

// The document as JSON; keys that stand twice and tabs are errors.
export function parseYaml(text) {
  const document = YAML.parseDocument(text, { uniqueKeys: true, version: '1.2' });
  return { value: document.errors.length === 0 ? document.toJS() : null, errors: [...document.errors, ...document.warnings].map(e => e.message.split('\n')[0]) };
}
