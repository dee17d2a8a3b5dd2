import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';
import { Language, Parser } from 'web-tree-sitter';

await Parser.init();
const grammar = path.join(path.dirname(createRequire(import.meta.url).resolve('tree-sitter-bicep/package.json')), 'tree-sitter-bicep.wasm');
const parser = new Parser();
parser.setLanguage(await Language.load(fs.readFileSync(grammar)));

// The tree of named nodes (type, start, end, line, children), and where the text is no Bicep.
export function parseBicep(text) {
  const tree = parser.parse(text);
  const errors = [];
  const visit = node => {
    if (node.type === 'ERROR' || node.isMissing)
      errors.push({ line: node.startPosition.row + 1, message: node.isMissing ? `${node.type} is missing` : `'${node.text.slice(0, 60)}' is no Bicep` });
    for (const child of node.children) visit(child);
  };
  visit(tree.rootNode);
  const shape = node => ({ t: node.type, s: node.startIndex, e: node.endIndex, l: node.startPosition.row + 1, c: node.namedChildren.filter(c => !c.type.includes('comment')).map(shape) });
  const root = shape(tree.rootNode);
  tree.delete();
  return { root, errors };
}
