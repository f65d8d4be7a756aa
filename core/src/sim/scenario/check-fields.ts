// Checks a JSON tree against the field table: every wrong place gets one located sentence that says what was expected.

import { getNodeValue, type Node } from 'jsonc-parser';
import { editDistance, never } from '#core/problem';
import { integerFrom } from '../typed-values.ts';
import { DURATION, type Field, type Fields } from './fields.ts';

export interface FieldProblem {
  message: string;
  /** Where in the text, in characters. */
  offset: number;
  length: number;
}

/** The known name that the wrong one was most likely meant to be. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const lower = name.toLowerCase();
  const ranked = known
    .map((candidate) => ({
      candidate,
      edits: candidate.toLowerCase().startsWith(lower) && lower.length > 1 ? 1 : editDistance(lower, candidate.toLowerCase()),
    }))
    .sort((a, b) => a.edits - b.edits);
  const best = ranked[0];
  return best && best.edits <= Math.max(1, Math.floor(name.length / 3)) ? best.candidate : undefined;
}

const shown = (names: readonly string[]): string => names.map((name) => `"${name}"`).join(', ');
const didYouMean = (name: string, known: readonly string[]): string => {
  const guess = nearest(name, known);
  return guess === undefined ? `it can be one of ${shown(known)}` : `did you mean "${guess}"?`;
};

const KIND_WORDS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  boolean: 'true or false',
  object: 'an object',
  array: 'a list',
  null: 'null',
};
const got = (node: Node): string =>
  node.type === 'string' || node.type === 'number' || node.type === 'boolean'
    ? JSON.stringify(node.value)
    : (KIND_WORDS[node.type] ?? node.type);

/** What a field wants, for messages and for either-or. */
function wanted(field: Field): string {
  switch (field.kind) {
    case 'text':
      return field.values ? `one of ${shown(field.values)}` : field.example === undefined ? 'text' : `text such as "${field.example}"`;
    case 'integer':
      return `a whole number from ${field.minimum} to ${field.maximum}`;
    case 'duration':
      return 'a time such as "1ms", or nanoseconds';
    case 'boolean':
      return 'true or false';
    case 'value64':
      return 'a whole number, or text such as "0x1f"';
    case 'any':
      return 'any value';
    case 'list':
      return 'a list';
    case 'object':
    case 'record':
    case 'variant':
      return 'an object';
    case 'either':
      return field.of.map(wanted).join(' or ');
    default:
      return never(field);
  }
}

function accepts(field: Field, node: Node): boolean {
  switch (field.kind) {
    case 'text':
      return node.type === 'string';
    case 'object':
    case 'record':
    case 'variant':
      return node.type === 'object';
    case 'list':
      return node.type === 'array';
    default:
      return true;
  }
}

export function checkField(field: Field, node: Node, path: string, problems: FieldProblem[]): void {
  const wrong = (message: string, at: Node = node): void => {
    problems.push({ message, offset: at.offset, length: at.length });
  };
  const expected = (): void => wrong(`${path}: ${wanted(field)} is expected here, not ${got(node)}`);
  switch (field.kind) {
    case 'any':
      return;
    case 'text': {
      if (node.type !== 'string') return expected();
      const text = node.value as string;
      if (field.values && !field.values.includes(text))
        return wrong(`${path}: there is no "${text}" here: ${didYouMean(text, field.values)}`);
      if (field.pattern && !field.pattern.test(text))
        return wrong(
          `${path}: ${JSON.stringify(text)} is not ${field.example === undefined ? 'hex: two digits for each byte' : `of the form "${field.example}"`}`,
        );
      return;
    }
    case 'integer':
      if (node.type !== 'number' || !Number.isInteger(node.value) || node.value < field.minimum || node.value > field.maximum) expected();
      return;
    case 'duration':
      if (!(
        (node.type === 'number' && node.value >= 0 && Number.isInteger(node.value)) ||
        (node.type === 'string' && DURATION.test(node.value as string))
      ))
        expected();
      return;
    case 'boolean':
      if (node.type !== 'boolean') expected();
      return;
    case 'value64':
      if (integerFrom(node.value) === undefined) expected();
      return;
    case 'list':
      if (node.type !== 'array') return expected();
      node.children?.forEach((child, i) => checkField(field.of, child, `${path}[${i}]`, problems));
      return;
    case 'record':
      if (node.type !== 'object') return expected();
      for (const property of node.children ?? [])
        if (property.children?.[1]) checkField(field.of, property.children[1], `${path}.${String(property.children[0]!.value)}`, problems);
      return;
    case 'object':
      if (node.type !== 'object') return expected();
      return checkObject(field.fields, node, path, problems);
    case 'either': {
      const chosen = field.of.find((option) => accepts(option, node));
      return chosen ? checkField(chosen, node, path, problems) : expected();
    }
    case 'variant': {
      if (node.type !== 'object') return expected();
      const typeNode = property(node, 'type');
      const types = Object.keys(field.cases);
      if (!typeNode) return wrong(`${path} has no "type": ${shown(types)}`, node.children?.[0]?.children?.[0] ?? node);
      const type = typeNode.value as unknown;
      if (typeof type !== 'string' || !Object.hasOwn(field.cases, type))
        return wrong(`${path}.type: there is no event ${got(typeNode)}: ${didYouMean(String(type), types)}`, typeNode);
      return checkObject({ ...field.common, ...field.cases[type]!.fields }, node, path, problems);
    }
    default:
      return never(field);
  }
}

export function property(node: Node, name: string): Node | undefined {
  return node.children?.find((candidate) => candidate.children?.[0]?.value === name)?.children?.[1];
}

function checkObject(fields: Fields, node: Node, path: string, problems: FieldProblem[]): void {
  const seen = new Set<string>();
  const place = path === '' ? 'the file' : path;
  for (const child of node.children ?? []) {
    const [nameNode, value] = child.children ?? [];
    const name = String(nameNode!.value);
    if (seen.has(name))
      problems.push({ message: `${place} has "${name}" twice: take one of them out`, offset: nameNode!.offset, length: nameNode!.length });
    seen.add(name);
    const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (!field)
      problems.push({
        message: `${place} has no field "${name}": ${didYouMean(
          name,
          Object.keys(fields).filter((known) => known !== '$schema'),
        )}`,
        offset: nameNode!.offset,
        length: nameNode!.length,
      });
    else if (value) checkField(field, value, path === '' ? name : `${path}.${name}`, problems);
  }
  for (const [name, field] of Object.entries(fields)) {
    if (field.required && !seen.has(name))
      problems.push({
        message: `${place} has no "${name}": ${wanted(field)} is needed`,
        offset: node.offset,
        length: Math.min(node.length, 1),
      });
  }
}

/** The plain value of a node. */
export const plainValue = (node: Node): unknown => getNodeValue(node) as unknown;
