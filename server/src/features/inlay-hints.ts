// Inlay hints, each kind with its switch: what comparisons and computations prove of C variables, what instructions change in
// assembly, and how many instructions the verifier processed for a line. Placed at the ends of lines, so that code stays where it is.

import { type InlayHint, InlayHintKind, type Range } from 'vscode-languageserver';
import type { KnownValue } from '#core/verifier';
import type { Checked } from '../check.ts';
import type { Document } from '../documents.ts';
import { Knowledge, type KnownInsn, type KnownVariable, registerTexts } from '../knowledge.ts';
import { knownWords } from '../known-words.ts';
import { inLoop } from './hover-known.ts';
import type { Node } from '../languages/c/c-syntax.ts';
import { countsPerLine, share } from '../line-counts.ts';
import type { ServerSettings } from '../settings.ts';

const MAX_LABEL = 100;

export function inlayHints(
  document: Document,
  range: Range,
  { inlayHints: wanted }: ServerSettings,
  checked: Checked | undefined,
): InlayHint[] {
  if (!checked || checked.version !== document.version) return [];
  const isDocument = (file: string): boolean => document.isFile(file);
  const hints: InlayHint[] = [];
  if (wanted.values && document.language === 'c') hints.push(...valueHints(document, range, new Knowledge(checked, isDocument)));
  if (wanted.registers && document.language === 'asm') hints.push(...registerHints(document, range, new Knowledge(checked, isDocument)));
  if (wanted.instructionCounts) hints.push(...countHints(document, range, checked));
  return hints;
}

const clipped = (label: string): string => (label.length > MAX_LABEL ? `${label.slice(0, MAX_LABEL - 1)}…` : label);

function hintAt(document: Document, line: number, label: string, tooltip: string): InlayHint {
  return {
    position: { line, character: document.lines.line(line).trimEnd().length },
    label: clipped(label),
    kind: InlayHintKind.Type,
    paddingLeft: true,
    tooltip: { kind: 'markdown', value: tooltip },
  };
}

const STATEMENTS = ['if_statement', 'for_statement', 'while_statement', 'declaration', 'expression_statement'];

function valueHints(document: Document, { start, end }: Range, knowledge: Knowledge): InlayHint[] {
  const { syntax, lines } = document;
  if (!syntax) return [];
  const byLine = new Map<number, Map<string, KnownVariable>>();
  for (const written of syntax.functions) {
    const scope = { firstLine: lines.position(written.start).line + 1, lastLine: lines.position(written.end).line + 1 };
    if (scope.lastLine <= start.line || scope.firstLine > end.line + 1) continue;
    const definition = syntax.root.descendantForIndex(written.start, written.end - 1);
    for (const node of definition?.descendantsOfType(STATEMENTS) ?? []) {
      if (!node || lines.position(node.endIndex).line < start.line || lines.position(node.startIndex).line > end.line) continue;
      const proof = proofOf(document, node);
      if (!proof) continue;
      const before = knowledge.beginningsOf(proof.firstLine, proof.lastLine);
      const after = proof.after(knowledge);
      if (before.length === 0 || after.length === 0) continue;
      for (const name of proof.names) {
        const now = knowledge.variable(name, scope, after);
        if (!now?.value) continue;
        const label = knownWords(now.value, now.type, 'short');
        const was = proof.compare ? knowledge.variable(name, scope, before)?.value : undefined;
        if (label === 'any' || (was && knownWords(was, now.type, 'short') === label)) continue;
        if (!proof.compare && !worthSaying(now, label)) continue;
        const told = byLine.get(proof.at) ?? new Map<string, KnownVariable>();
        byLine.set(proof.at, told.set(name, now));
      }
    }
  }
  return [...byLine].map(([line, told]) =>
    hintAt(
      document,
      line,
      [...told].map(([name, { value, type }]) => `${name}: ${knownWords(value!, type, 'short')}`).join(', '),
      [...told].map(([name, { value, type }]) => `The verifier knows from here on: \`${name}\` ${knownWords(value!, type)}.`).join('\n\n'),
    ),
  );
}

/** An assigned pointer is news only while it may be NULL, a number only where it is a range. */
const worthSaying = ({ value }: KnownVariable, label: string): boolean =>
  value!.shapes.some(({ type }) => type !== 'scalar') ? label.startsWith('may be NULL') : label.includes('…');

interface Proof {
  /** Lines of the comparison or computation, from 1. */
  firstLine: number;
  lastLine: number;
  /** Variables that it may say something of. */
  names: readonly string[];
  /** Line of the hint, from 0. */
  at: number;
  /** Where its outcome holds. */
  after: (knowledge: Knowledge) => readonly KnownInsn[];
  /** Only what was not known before. */
  compare: boolean;
}

function proofOf(document: Document, node: Node): Proof | undefined {
  const { lines } = document;
  const lineAt = (offset: number): number => lines.position(offset).line + 1;
  switch (node.type) {
    case 'if_statement':
    case 'for_statement':
    case 'while_statement': {
      const condition = node.childForFieldName('condition');
      const body = node.childForFieldName(node.type === 'if_statement' ? 'consequence' : 'body');
      if (!condition || !body) return undefined;
      const names = variablesIn(condition);
      const firstLine = lineAt(condition.startIndex);
      const lastLine = lineAt(condition.endIndex);
      if (node.type === 'if_statement' && leaves(body)) {
        // What follows is where the condition does not hold.
        if (node.childForFieldName('alternative')) return undefined;
        return {
          firstLine,
          lastLine,
          names,
          at: lineAt(node.endIndex) - 1,
          after: (knowledge) => firstCode(document, knowledge, node.nextNamedSibling),
          compare: true,
        };
      }
      const inside = body.type === 'compound_statement' ? body.namedChild(0) : body;
      return {
        firstLine,
        lastLine,
        names,
        at: lineAt(condition.endIndex) - 1,
        after: (knowledge) => firstCode(document, knowledge, inside),
        compare: node.type === 'if_statement',
      };
    }
    case 'declaration':
    case 'expression_statement': {
      const assigned = node.type === 'declaration' ? node.childForFieldName('declarator') : node.namedChild(0);
      if (assigned?.type !== 'init_declarator' && assigned?.type !== 'assignment_expression') return undefined;
      const right = assigned.childForFieldName(assigned.type === 'init_declarator' ? 'value' : 'right');
      const left = assigned.childForFieldName(assigned.type === 'init_declarator' ? 'declarator' : 'left');
      const name = left && /^[*\s]*(\w+)$/.exec(left.text)?.[1];
      if (
        !name ||
        !right ||
        /^(?:identifier|number_literal|sizeof_expression|string_literal|char_literal|initializer_list)$/.test(right.type)
      )
        return undefined;
      const firstLine = lineAt(node.startIndex);
      const lastLine = lineAt(node.endIndex);
      return {
        firstLine,
        lastLine,
        names: [name],
        at: lastLine - 1,
        after: (knowledge) => knowledge.followersOf(firstLine, lastLine),
        compare: false,
      };
    }
    default:
      return undefined;
  }
}

/** Names of variables whose values a condition looks at. */
function variablesIn(condition: Node): string[] {
  const names = condition.descendantsOfType('identifier').flatMap((node) => {
    if (!node || node.parent?.childForFieldName('function')?.id === node.id) return [];
    for (let at: Node | null = node; at && at.id !== condition.id; at = at.parent) if (at.type === 'sizeof_expression') return [];
    return [node.text];
  });
  return [...new Set(names)];
}

/** The body ends by going elsewhere. */
function leaves(body: Node): boolean {
  const last = body.type === 'compound_statement' ? body.namedChildren.findLast((child) => child?.type !== 'comment') : body;
  return /^(?:return|goto|break|continue)_statement$/.test(last?.type ?? '');
}

/** The beginnings of the first line with code from a statement on. */
function firstCode(document: Document, knowledge: Knowledge, from: Node | null): readonly KnownInsn[] {
  for (let node = from; node; node = node.nextNamedSibling) {
    if (node.type === 'comment') continue;
    const last = document.lines.position(node.endIndex).line + 1;
    for (let line = document.lines.position(node.startIndex).line + 1; line <= last; line++) {
      const found = inLoop(node) ? knowledge.insnsOf(line) : knowledge.beginningsOf(line);
      if (found.length > 0) return found;
    }
  }
  return [];
}

function registerHints(document: Document, { start, end }: Range, knowledge: Knowledge): InlayHint[] {
  const hints: InlayHint[] = [];
  for (let line = start.line; line <= Math.min(end.line, document.lines.count - 1); line++) {
    const found = knowledge.insnsOf(line + 1);
    const whole: string[] = [];
    const texts = found.flatMap(({ program, insn, state }) => {
      const branches = state.after.length > 1;
      return state.after.flatMap(({ to, registers, stack }) => {
        const changed = registerTexts(registers, stack, compact).join(' ');
        if (changed === '') return [];
        whole.push(registerTexts(registers, stack).join(' '));
        return [branches ? `${to === insn + 1 ? 'else' : `to ${placeOf(program, to)}`}: ${changed}` : changed];
      });
    });
    if (texts.length === 0) continue;
    hints.push(
      hintAt(
        document,
        line,
        `; ${texts.join(' · ')}`,
        `What the instruction changes, as Linux prints it:\n\n\`\`\`bpf-verifier-log\n${whole.join('\n')}\n\`\`\``,
      ),
    );
  }
  return hints;
}

/** The log's words as short as a hint must be: VS Code shows some forty characters. */
function compact(value: KnownValue): string {
  const [shape] = value.shapes;
  const [text] = value.texts;
  if (value.shapes.length === 1 && shape?.type === 'scalar' && shape.umin !== shape.umax)
    return value.open ? 'scalar()' : `scalar(${knownWords(value, undefined, 'short')})`.replace('(any)', '()');
  return (value.texts.length === 1 && text !== undefined ? text : value.texts.join('|')).replace(
    /(?:id|ref_obj_id)=\d+,?|,?ks=\d+,vs=\d+|map=/g,
    '',
  );
}

/** "line 36" of an instruction. */
export function placeOf(program: KnownInsn['program'], insn: number): string {
  const record = program.lines.findLast((one) => one.insn <= insn);
  return record && record.line > 0 ? `line ${record.line}` : `instruction ${insn}`;
}

function countHints(document: Document, { start, end }: Range, checked: Checked): InlayHint[] {
  return [...countsPerLine(checked, (file) => document.isFile(file))]
    .sort(([a], [b]) => a - b)
    .flatMap(([line, { program, processed, total }]) =>
      line - 1 < start.line || line - 1 > end.line || line > document.lines.count
        ? []
        : [
            hintAt(
              document,
              line - 1,
              `${processed.toLocaleString('en-US')} processed, ${share(processed)}`,
              `The verifier processed ${processed.toLocaleString('en-US')} instructions for this line of \`${program}\`: ${share(processed)} of the 1,000,000 that Linux allows, ${Math.round((100 * processed) / Math.max(1, total))} % of what this program took.`,
            ),
          ],
    );
}
