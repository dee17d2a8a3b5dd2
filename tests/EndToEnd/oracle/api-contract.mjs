// The OpenAPI document against the specification, and real answers against the document.
import { Validator } from '@seriousme/openapi-schema-validator';
import Ajv2020 from 'ajv/dist/2020.js';
import formats from 'ajv-formats';

/** Schemas under which nothing that is not described may come. */
function closed(node) {
  if (Array.isArray(node)) return node.map(closed);
  if (node === null || typeof node !== 'object') return node;
  const copy = Object.fromEntries(Object.entries(node).map(([k, v]) => [k, closed(v)]));
  if (copy.properties && typeof copy.properties === 'object' && !Array.isArray(copy.properties) && copy.additionalProperties === undefined) copy.additionalProperties = false;
  return copy;
}

export class Contract {
  constructor(document, check) {
    this.document = document;
    this.check = check;
    this.count = 0;
    this.seen = new Set();
    this.ajv = new Ajv2020({ strict: false, allErrors: true });
    formats(this.ajv);
    this.ajv.addSchema({ $id: 'doc', components: { schemas: closed(document.components.schemas) } }, 'doc');
    this.checks = new Map();
    this.routes = Object.keys(document.paths).map(path => ({ path, parts: path.split('/') }));
  }

  async validate() {
    const result = await new Validator().validate(structuredClone(this.document));
    this.check(result.valid, `The document is not valid: ${JSON.stringify(result.errors)?.slice(0, 500)}`);
  }

  /** Notes an answer: its route, status and type must be described, its body must be as described. */
  saw(method, address, answer, text) {
    this.count++;
    const [path, query] = address.split('?'), parts = path.split('/');
    const route = this.routes.find(r => r.path === path) ?? this.routes.find(r => r.parts.length === parts.length && r.parts.every((p, i) => p.startsWith('{') || p === parts[i]));
    const operation = route && this.document.paths[route.path][method.toLowerCase()];
    if (!operation) { this.check(false, `${method} ${address} is not in the document`); return; }
    const place = `${method} ${route.path} ${answer.status}`;
    const described = operation.responses[String(answer.status)];
    if (!described) { this.check(false, `${place} is not in the document`); return; }
    this.seen.add(`${operation.operationId} ${answer.status}`);
    if (answer.status < 400)
      for (const name of new URLSearchParams(query ?? '').keys())
        this.check(operation.parameters.some(p => p.in === 'query' && p.name === name), `${place}: the parameter ${name} is not in the document`);
    if (answer.status === 304 || method === 'HEAD' || answer.status === 401) return;
    const type = (answer.headers.get('content-type') ?? '').split(';')[0];
    const content = described.content?.[type];
    if (!content) { this.check(false, `${place}: the type ${type} is not in the document`); return; }
    if (!type.includes('json')) return;
    const key = `${route.path} ${method} ${answer.status} ${type}`;
    if (!this.checks.has(key))
      this.checks.set(key, this.ajv.compile({ $id: `check${this.checks.size}`, ...JSON.parse(JSON.stringify(closed(content.schema)).replaceAll('"#/components', '"doc#/components')) }));
    const validate = this.checks.get(key);
    this.check(validate(JSON.parse(text)), `${place}: ${address} is not as described: ${JSON.stringify(validate.errors?.slice(0, 3))}`);
  }

  /** Everything that can be asked for without harm was, and answered well; and what can be asked wrongly was. */
  complete() {
    for (const [path, methods] of Object.entries(this.document.paths))
      for (const [method, operation] of Object.entries(methods))
        if (method === 'get')
          for (const status of ['200', '400', '404', '406'].filter(s => operation.responses[s] && !(s === '404' && NEVER_MISSING.includes(operation.operationId))))
            this.check(this.seen.has(`${operation.operationId} ${status}`), `GET ${path} was never answered ${status}`);
  }
}

// These answer 404 where a pipeline has no such streams; the shop's has them.
const NEVER_MISSING = ['Sessions', 'Fraud', 'Recommendations'];
