import * as PowerQuery from '@microsoft/powerquery-parser';

// What is wrong with an M expression, and the names it uses that it does not define.
export async function parseM(text) {
  const task = await PowerQuery.TaskUtils.tryLexParse(PowerQuery.DefaultSettings, text);
  if (!PowerQuery.TaskUtils.isParseStageOk(task)) return { error: String(task.error?.message ?? 'does not parse'), names: [] };
  const used = new Set();
  const defined = new Set();
  const nodes = [...task.nodeIdMapCollection.astNodeById.values()];
  const literal = node => node?.literal;
  for (const node of nodes) {
    if (node.kind === 'IdentifierExpression') used.add(literal(node.identifier));
    if (node.kind === 'IdentifierPairedExpression' || node.kind === 'Parameter') defined.add(literal(node.key ?? node.name));
  }
  return { error: null, names: [...used].filter(name => !defined.has(name)), defined: [...defined] };
}
