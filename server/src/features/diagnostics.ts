// From what was found out to LSP diagnostics: which place of the text each finding means, and which words it gets.

import { type Diagnostic, type DiagnosticRelatedInformation, DiagnosticSeverity, type Range } from 'vscode-languageserver';
import { never, type Problem, type Severity, type SourceSpan } from '#core/problem';
import type { LineRecord, Program } from '#core/program';
import type { Finding } from '#core/verifier';
import { type Checked, type CheckedProgram, lineOf } from '../check.ts';
import type { Document } from '../documents.ts';
import type { Node } from '../languages/c/c-syntax.ts';

/** What a diagnostic carries for quick fixes and for the client's own views. */
export interface DiagnosticData {
  program?: string;
  insn?: number;
  explanation?: string;
  advice?: string;
}

export interface DiagnosticOptions {
  uriOf: (file: string) => string;
  /** Where the pages of the findings lie: `<base>/<code>.md`. */
  docs?: string;
  /** The client shows related information. */
  related: boolean;
}

export function diagnosticsOf(document: Document, checked: Checked, options: DiagnosticOptions): Diagnostic[] {
  const found: Diagnostic[] = [];
  for (const problem of checked.problems) found.push(fromProblem(document, problem, options));
  const verified = new Map(checked.programs.map((one) => [one.program, one]));
  for (const program of checked.object?.programs ?? []) {
    for (const problem of program.problems) found.push(fromProblem(document, problem, options, program));
    const one = verified.get(program);
    for (const finding of one?.verdict.findings ?? []) found.push(fromFinding(document, one!, finding, options));
  }
  return withoutRepeats(found);
}

/** A function that two programs use is wrong once. */
function withoutRepeats(diagnostics: Diagnostic[]): Diagnostic[] {
  const seen = new Set<string>();
  return diagnostics.filter(({ range, message }) => {
    const key = JSON.stringify([range, message]);
    return seen.has(key) ? false : seen.add(key);
  });
}

function severityOf(severity: Severity): DiagnosticSeverity {
  switch (severity) {
    case 'error':
      return DiagnosticSeverity.Error;
    case 'warning':
      return DiagnosticSeverity.Warning;
    case 'note':
      return DiagnosticSeverity.Information;
    default:
      return never(severity);
  }
}

function fromProblem(document: Document, problem: Problem, options: DiagnosticOptions, program?: Program): Diagnostic {
  const related = (problem.related ?? []).map(({ message, span }) => relatedAt(document, message, span, options));
  const { range, elsewhere } = rangeOfProblem(document, problem, program);
  if (elsewhere) related.unshift(relatedAt(document, problem.message, elsewhere, options));
  return {
    range,
    severity: severityOf(problem.severity),
    source: problem.code?.startsWith('-W') || problem.code === undefined ? (document.language === 'c' ? 'clang' : 'assembler') : 'eBPF',
    message: elsewhere ? `${elsewhere.file}:${elsewhere.line}: ${problem.message}` : problem.message,
    ...(problem.code === undefined ? {} : { code: problem.code }),
    ...(options.related && related.length > 0 ? { relatedInformation: related } : {}),
  };
}

/** A problem of a header stands at the `#include` that brought it; one without a place at its program, or in the first line. */
function rangeOfProblem(
  document: Document,
  { span, related, code }: Problem,
  program: Program | undefined,
): { range: Range; elsewhere?: SourceSpan } {
  if (span && isThis(document, span.file)) return { range: rangeOfSpan(document, span) };
  if (span && span.line > 0) {
    const include = related?.find((one) => isThis(document, one.span.file));
    const line = include ? include.span.line - 1 : 0;
    return { range: lineRange(document, line), elsewhere: span };
  }
  if (program && code?.startsWith('section-')) {
    const section = document.syntax?.programs.find(({ name }) => name === program.name)?.section;
    if (section) return { range: document.lines.range(section.nameStart, section.nameEnd) };
  }
  return { range: program ? programRange(document, program) : lineRange(document, 0) };
}

const isThis = (document: Document, file: string): boolean =>
  file === '' || file === document.file || (isWindowsPath(file) && file.toLowerCase() === document.file.toLowerCase());
/** Windows writes one file's name in several ways. */
const isWindowsPath = (file: string): boolean => /^[A-Za-z]:[\\/]/.test(file);

function relatedAt(document: Document, message: string, span: SourceSpan, { uriOf }: DiagnosticOptions): DiagnosticRelatedInformation {
  if (isThis(document, span.file)) return { message, location: { uri: document.uri, range: rangeOfSpan(document, span) } };
  // The other file's text is not at hand: the place without its columns' exact width.
  const line = Math.max(0, span.line - 1);
  const character = Math.max(0, span.column - 1);
  return { message, location: { uri: uriOf(span.file), range: { start: { line, character }, end: { line, character } } } };
}

function rangeOfSpan(document: Document, span: SourceSpan): Range {
  const { lines } = document;
  const start = lines.fromCompiler(span.line, span.column);
  if (span.endLine !== undefined && span.endColumn !== undefined && span.endLine === span.line) {
    const end = lines.fromCompiler(span.endLine, span.endColumn);
    if (end.character > start.character) return { start, end };
  }
  return wordRange(document, start);
}

/** The word at a place, or the rest of the line where there is none, so that there is something to underline. */
function wordRange(document: Document, start: { line: number; character: number }): Range {
  const text = document.lines.line(start.line);
  const word = /^[A-Za-z_.]\w*/.exec(text.slice(start.character));
  if (word) return { start, end: { line: start.line, character: start.character + word[0].length } };
  const end = text.trimEnd().length;
  if (end > start.character) return { start, end: { line: start.line, character: Math.min(end, start.character + 1) } };
  // Behind the last character, as for a missing semicolon: the character before it.
  return { start: { line: start.line, character: Math.max(0, end - 1) }, end: { line: start.line, character: end } };
}

function lineRange(document: Document, line: number): Range {
  const text = document.lines.line(line);
  return { start: { line, character: text.length - text.trimStart().length }, end: { line, character: text.trimEnd().length } };
}

/** The program's name where it is defined. */
export function programRange(document: Document, program: Pick<Program, 'name' | 'section'>): Range {
  const written = document.syntax?.programs.find(({ name }) => name === program.name);
  if (written) return document.lines.range(written.nameStart, written.nameStart + written.name.length);
  const assembled =
    document.asm?.programs.find(({ name }) => name === program.name) ??
    document.asm?.programs.find(({ section }) => section === program.section);
  return assembled ? lineRange(document, assembled.line - 1) : lineRange(document, 0);
}

function fromFinding(
  document: Document,
  { program, verdict, firstAccepting }: CheckedProgram,
  finding: Finding,
  options: DiagnosticOptions,
): Diagnostic {
  const first = verdict.findings[0];
  const place = placeIn(document, program, finding.insn);
  const related = finding.causes.flatMap(({ insn, text, span }) => {
    if (span) return [relatedAt(document, text, span, options)];
    const record = lineOf(program, insn);
    if (!record || record.line === 0) return [];
    // In this text the whole expression is underlined, elsewhere the place is all that is known.
    if (isThis(document, record.file))
      return [{ message: text, location: { uri: document.uri, range: rangeOfRecord(document, record).range } }];
    return [relatedAt(document, text, { file: record.file, line: record.line, column: record.column }, options)];
  });
  if (place.elsewhere) related.unshift(relatedAt(document, finding.message, place.elsewhere, options));
  const advice = inWordsOf(document, finding.advice, place.expression, () => assignedAt(document, program, finding.causes[0]?.insn));
  const data: DiagnosticData = { program: program.name, insn: finding.insn, explanation: finding.explanation, advice };
  const isRefused = finding.severity === 'error' && finding === first;
  return {
    range: place.range,
    severity: severityOf(finding.severity),
    source: 'eBPF verifier',
    code: finding.code,
    ...(options.docs === undefined ? {} : { codeDescription: { href: `${options.docs}/${finding.code}.md` } }),
    message: [
      finding.explanation,
      advice,
      finding.message === '' ? '' : `The kernel says: ${finding.message}`,
      isRefused && firstAccepting !== undefined ? `Linux ${firstAccepting} is the first to accept this program.` : '',
    ]
      .filter((line) => line !== '')
      .join('\n'),
    ...(options.related && related.length > 0 ? { relatedInformation: related } : {}),
    data,
  };
}

/** The catalogue's advice speaks of `value`; where the text shows which pointer is meant, it is named. */
function inWordsOf(document: Document, advice: string, expression: Node | undefined, assigned: () => string | undefined): string {
  if (document.language !== 'c' || !advice.includes('!value')) return advice;
  const pointer = (expression && pointerOf(expression)) ?? assigned();
  return pointer ? advice.replaceAll('!value', /^\w+$/.test(pointer) ? `!${pointer}` : `!(${pointer})`) : advice;
}

/** The variable that takes what an instruction gives: `count` of `__u64 *count = bpf_map_lookup_elem(…)`. */
function assignedAt(document: Document, program: Program, insn: number | undefined): string | undefined {
  const record = insn === undefined ? undefined : lineOf(program, insn);
  if (!record || record.line === 0 || !document.syntax || !isThis(document, record.file)) return undefined;
  const { lines, syntax } = document;
  for (let node: Node | null = syntax.nodeAt(lines.offset(lines.fromCompiler(record.line, record.column))); node; node = node.parent) {
    if (node.type === 'assignment_expression') return node.childForFieldName('left')?.text;
    if (node.type === 'init_declarator') return node.childForFieldName('declarator')?.text.replace(/^[*\s]+/, '');
    if (node.type === 'compound_statement') return undefined;
  }
  return undefined;
}

/** The pointer that an expression goes through: `count` of `*count += 1`, `task` of `task->pid`. */
function pointerOf(node: Node): string | undefined {
  switch (node.type) {
    case 'pointer_expression':
    case 'field_expression':
    case 'subscript_expression':
      return node.childForFieldName('argument')?.text;
    case 'assignment_expression': {
      const left = node.childForFieldName('left');
      return left ? pointerOf(left) : undefined;
    }
    case 'update_expression': {
      const argument = node.childForFieldName('argument');
      return argument ? pointerOf(argument) : undefined;
    }
    case 'parenthesized_expression': {
      const inside = node.namedChild(0);
      return inside ? pointerOf(inside) : undefined;
    }
    default:
      return undefined;
  }
}

/**
 * Where an instruction comes from in this text. Code from a header stands where this text last led into it; an instruction
 * without a place at the program's name.
 */
function placeIn(
  document: Document,
  program: Program,
  insn: number,
): { range: Range; elsewhere?: SourceSpan; expression?: Node | undefined } {
  const record = lineOf(program, insn);
  if (!record || record.line === 0) return { range: programRange(document, program) };
  if (isThis(document, record.file)) return rangeOfRecord(document, record);
  const elsewhere = { file: record.file, line: record.line, column: record.column };
  const own = program.lines.findLast((one) => one.insn <= insn && one.line > 0 && isThis(document, one.file));
  return { range: own ? rangeOfRecord(document, own).range : programRange(document, program), elsewhere };
}

function rangeOfRecord(document: Document, record: LineRecord): { range: Range; expression?: Node } {
  const start = document.lines.fromCompiler(record.line, record.column);
  if (document.language === 'asm') {
    const statement = document.asm?.insnAt(record.line, record.column)?.record;
    return {
      range: statement
        ? { start: { line: start.line, character: statement.column - 1 }, end: { line: start.line, character: statement.endColumn - 1 } }
        : lineRange(document, start.line),
    };
  }
  const { syntax } = document;
  if (!syntax || record.column === 0) return { range: lineRange(document, start.line) };
  const expression = expressionAt(syntax.nodeAt(document.lines.offset(start)));
  if (!expression) return { range: wordRange(document, start) };
  const range = document.lines.range(expression.startIndex, expression.endIndex);
  if (range.start.line === range.end.line) return { range, expression };
  // An expression of several lines: from the compiler's place to the end of its line.
  return { range: { start, end: { line: start.line, character: document.lines.line(start.line).trimEnd().length } }, expression };
}

/**
 * The expression that the compiler means by a place: it points at an operator, at a member's name behind `->` or at a call's first
 * letter, and the whole access or call is what a person would underline.
 */
function expressionAt(node: Node): Node | undefined {
  let at: Node | null = node;
  if (!at.isNamed) at = at.parent;
  for (; at; at = at.parent) {
    switch (at.type) {
      case 'identifier':
      case 'field_identifier':
      case 'type_identifier': {
        const { parent } = at;
        if (parent?.type === 'field_expression' && parent.childForFieldName('field')?.id === at.id) return parent;
        if (parent?.type === 'call_expression' && parent.childForFieldName('function')?.id === at.id) return parent;
        if (parent?.type === 'init_declarator' || parent?.type === 'pointer_declarator') return at;
        return at;
      }
      case 'call_expression':
      case 'field_expression':
      case 'subscript_expression':
      case 'pointer_expression':
      case 'binary_expression':
      case 'unary_expression':
      case 'update_expression':
      case 'assignment_expression':
      case 'cast_expression':
      case 'conditional_expression':
      case 'number_literal':
      case 'return_statement':
        return at;
      case 'compound_statement':
      case 'function_definition':
      case 'translation_unit':
        return undefined;
      default:
        continue;
    }
  }
  return undefined;
}
