// Hover in C: what the verifier knows of the variable or expression under the cursor, and the registers as the kernel prints them.
// Only for the version of the text that was verified; where the compiler kept a variable nowhere, nothing is said.

import type { CType } from '#core/dwarf';
import type { KnownValue } from '#core/verifier';
import type { Checked } from '../check.ts';
import type { Document } from '../documents.ts';
import { kernelText, Knowledge, type KnownInsn, type KnownVariable } from '../knowledge.ts';
import { knownWords } from '../known-words.ts';
import type { Node } from '../languages/c/c-syntax.ts';

export interface HoverOptions {
  /** The client shows <details>. */
  details: boolean;
}

export interface KnownHover {
  value: string;
  start: number;
  end: number;
}

export function hoverKnown(
  document: Document,
  checked: Checked | undefined,
  offset: number,
  options: HoverOptions,
): KnownHover | undefined {
  const { syntax } = document;
  if (!syntax || !checked || checked.version !== document.version) return undefined;
  const around = syntax.functionAt(offset);
  if (!around) return undefined;
  const knowledge = new Knowledge(checked, (file) => document.isFile(file));
  const node = syntax.nodeAt(offset);
  const line = document.lines.position(node.startIndex).line + 1;
  const isOperand = node.type === 'identifier' && node.parent?.childForFieldName('function')?.id !== node.id;
  if (isOperand) {
    const scope = { firstLine: document.lines.position(around.start).line + 1, lastLine: document.lines.position(around.end).line + 1 };
    const found = variableHere(document, knowledge, node, scope, line);
    if (found)
      return answer(node, `\`${node.text}\` ${found.after ? 'after this line' : 'here'}`, found.variable, found.at, checked, options);
  }
  const expression = expressionOf(node);
  const result = expression && resultOf(document, knowledge, expression.places);
  if (!result) return undefined;
  return answer(
    node,
    `result of \`${oneLine(expression.node.text)}\``,
    { type: undefined, value: result.value, place: result.place },
    knowledge.beginningsOf(line),
    checked,
    options,
  );
}

const oneLine = (text: string): string => {
  const flat = text.replace(/\s+/g, ' ');
  return flat.length > 60 ? `${flat.slice(0, 57)}…` : flat;
};

/** Before the line, or behind it for what it assigns; where the line became no code, before the statement. */
function variableHere(
  document: Document,
  knowledge: Knowledge,
  node: Node,
  scope: { firstLine: number; lastLine: number },
  line: number,
): { variable: KnownVariable; at: readonly KnownInsn[]; after: boolean } | undefined {
  const statement = statementOf(node);
  const first = document.lines.position(statement.startIndex).line + 1;
  const last = document.lines.position(statement.endIndex).line + 1;
  const after = isAssigned(node);
  const candidates = after
    ? [() => knowledge.followersOf(first, last)]
    : [
        ...(inLoop(node) ? [] : [() => knowledge.beginningsOf(line)]),
        () => knowledge.insnsOf(line),
        () => knowledge.beginningsOf(first, last),
        () => knowledge.followersOf(first, last),
      ];
  for (const candidate of candidates) {
    const at = candidate();
    const variable = knowledge.variable(node.text, scope, at);
    if (variable && (variable.value || variable.words)) return { variable, at, after };
  }
  return undefined;
}

/** The statement or declaration around a node; of a statement with a body only its head counts. */
export function statementOf(node: Node): Node {
  let at = node;
  while (at.parent && !/_statement$|^declaration$|^compound_statement$|^function_definition$/.test(at.type)) {
    const { parent } = at;
    if (
      parent.type === 'if_statement' ||
      parent.type === 'while_statement' ||
      parent.type === 'for_statement' ||
      parent.type === 'do_statement' ||
      parent.type === 'switch_statement'
    )
      return at;
    at = parent;
  }
  return at;
}

/** The compiler may have written a loop's body several times: then no single piece of code is its beginning. */
export function inLoop(node: Node): boolean {
  for (let at: Node | null = node; at; at = at.parent) if (/^(?:for|while|do)_statement$/.test(at.type)) return true;
  return false;
}

export function isAssigned(node: Node): boolean {
  let at = node;
  while (at.parent?.type === 'pointer_declarator' || at.parent?.type === 'array_declarator') at = at.parent;
  const { parent } = at;
  if (parent?.type === 'init_declarator') return parent.childForFieldName('declarator')?.id === at.id;
  if (parent?.type === 'assignment_expression') return parent.childForFieldName('left')?.id === at.id && at.id === node.id;
  return parent?.type === 'update_expression' || parent?.type === 'declaration';
}

/** The access, call or computation that a node names, with the places at which the compiler may have recorded it. */
function expressionOf(node: Node): { node: Node; places: readonly Node[] } | undefined {
  const { parent } = node;
  if (!parent) return undefined;
  if (node.type === 'field_identifier' && parent.type === 'field_expression') return { node: parent, places: [node, parent] };
  if (parent.type === 'call_expression' && parent.childForFieldName('function')?.id === node.id)
    return { node: parent, places: [node, parent] };
  if (
    !node.isNamed &&
    (parent.type === 'binary_expression' ||
      parent.type === 'assignment_expression' ||
      parent.type === 'subscript_expression' ||
      parent.type === 'pointer_expression')
  )
    return { node: parent, places: [node, parent] };
  return undefined;
}

function resultOf(document: Document, knowledge: Knowledge, places: readonly Node[]): { value: KnownValue; place: string } | undefined {
  for (const { startIndex } of places) {
    const { line, character } = document.lines.position(startIndex);
    const found = knowledge.result(line + 1, new TextEncoder().encode(document.lines.line(line).slice(0, character)).length + 1);
    if (found) return found;
  }
  return undefined;
}

function answer(
  node: Node,
  subject: string,
  variable: KnownVariable,
  at: readonly KnownInsn[],
  checked: Checked,
  options: HoverOptions,
): KnownHover {
  return {
    value: [`**Verifier:** ${subject}: ${words(variable)}.${limits(checked, at)}`, kernelWords(variable, at, options)]
      .filter((part) => part !== '')
      .join('\n\n'),
    start: node.startIndex,
    end: node.endIndex,
  };
}

const words = ({ value, words: other, type }: KnownVariable): string =>
  value ? knownWords(value, type as CType | undefined) : (other ?? '');

/** A walk that ended early has not seen every path. */
function limits(checked: Checked, at: readonly KnownInsn[]): string {
  const verdicts = new Set(at.map(({ program }) => checked.programs.find((one) => one.program === program)?.verdict.verdict));
  if (verdicts.has('cancelled')) return ' So far: verifying was given up.';
  return verdicts.has('rejected') ? ' On the paths walked before the error.' : '';
}

function kernelWords({ value, place }: KnownVariable, at: readonly KnownInsn[], { details }: HoverOptions): string {
  const own = value && place !== undefined && value.texts.length > 0 ? `Linux prints \`${place}=${value.texts.join(' | ')}\`` : '';
  const all = at.length > 0 ? kernelText(at) : '';
  if (!details || all === '') return own;
  return `${own}\n\n<details><summary>Registers as Linux prints them</summary>\n\n\`\`\`bpf-verifier-log\n${all}\n\`\`\`\n\n</details>`;
}
