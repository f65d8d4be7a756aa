// Evaluates expression trees to C values with C's integer rules: promotion, usual arithmetic conversions, pointer arithmetic.
// Names come from the scope it is given. Division by zero and the like are sentences, never exceptions.

import { asU64 } from '#core/bytes';
import { never } from '#core/problem';
import { findMember, integerType, isScalar, pointerTo } from './c-type.ts';
import type { CType } from './c-type.ts';
import { addressOf, constant, dereference, elementOf, integerBytes, memberOf, readInteger, writeInteger } from './c-value.ts';
import type { CValue, Surroundings } from './c-value.ts';
import { parseExpression, parseStatement } from './expression-parser.ts';
import type { BinaryOperator, Expression, TypeName } from './expression-parser.ts';

/** What names mean where the program stands. */
export interface ExpressionScope extends Surroundings {
  lookup(name: string): CValue | MapValue | undefined;
  findType(words: readonly string[]): CType | undefined;
  /** Names to offer when one is unknown. */
  names(): readonly string[];
}

/** A map as a value: only `map[key]` can be done with it. */
export interface MapValue {
  map: string;
  keyType: CType;
  /** The value at the key, or a sentence. */
  at(key: Uint8Array): CValue | { failure: string };
  describe(): string;
}

export interface Failure {
  failure: string;
}

export type Evaluated = CValue | MapValue | Failure;

const INT = integerType('int', 4, true);
const LONG = integerType('long', 8, true);
const UNSIGNED_LONG = integerType('unsigned long', 8, false);

class EvaluationError extends Error {}

const fail = (message: string): never => {
  throw new EvaluationError(message);
};

/** Evaluates the text of an expression. */
export function evaluate(text: string, scope: ExpressionScope): Evaluated {
  const tree = parseIn(text, scope);
  return 'failure' in tree ? tree : evaluateTree(tree, scope);
}

function parseIn(text: string, scope: ExpressionScope): Expression | Failure {
  const tree = parseExpression(text, (words) => scope.findType(words) !== undefined);
  return 'message' in tree ? { failure: tree.message } : tree;
}

/** Evaluates a line of the Debug Console: an expression, or `place = expression`, which answers the place. */
export function execute(text: string, scope: ExpressionScope): Evaluated {
  const statement = parseStatement(text, (words) => scope.findType(words) !== undefined);
  if ('message' in statement) return { failure: statement.message };
  if (statement.kind === 'expression') return evaluateTree(statement.expression, scope);
  const target = evaluateTree(statement.target, scope);
  if ('failure' in target) return target;
  if ('map' in target) return { failure: `a map cannot be assigned to; ${target.map}[key] = … changes an entry` };
  const value = evaluateTree(statement.value, scope);
  if ('failure' in value) return value;
  const refused = assign(target, value);
  return refused === undefined ? target : { failure: refused };
}

/** Stores a scalar into a place, converted to the place's type. Returns a sentence when that is not possible. */
export function assign(target: CValue, value: CValue | MapValue): string | undefined {
  if ('map' in value) return `the map ${value.map} is not a value that can be stored`;
  if (!isScalar(target.type) || target.type.kind === 'float') return `a ${target.type.name} cannot be set as a whole; set its parts`;
  const number = readInteger(value);
  if (typeof number !== 'bigint') return number.unavailable;
  return writeInteger(target, number);
}

/** A condition that is asked many times: read once, where its types are known. */
export class Condition {
  private tree: Expression | Failure | undefined;

  constructor(private readonly text: string) {}

  /** Whether it holds; a failure says why that is unknown. */
  holds(scope: ExpressionScope): boolean | Failure {
    this.tree ??= parseIn(this.text, scope);
    return 'failure' in this.tree ? this.tree : isTrue(evaluateTree(this.tree, scope));
  }
}

function isTrue(value: Evaluated): boolean | Failure {
  if ('failure' in value) return value;
  if ('map' in value) return { failure: `the map ${value.map} is not a condition` };
  const number = readInteger(value);
  return typeof number === 'bigint' ? number !== 0n : { failure: number.unavailable };
}

function evaluateTree(tree: Expression, scope: ExpressionScope): Evaluated {
  try {
    return new Evaluator(scope).any(tree);
  } catch (cause) {
    if (cause instanceof EvaluationError) return { failure: cause.message };
    throw cause;
  }
}

interface Operand {
  type: CType;
  value: bigint;
}

class Evaluator {
  constructor(private readonly scope: ExpressionScope) {}

  any(tree: Expression): CValue | MapValue {
    if (tree.kind !== 'name') return this.value(tree);
    return this.scope.lookup(tree.name) ?? fail(unknownName(tree.name, this.scope.names()));
  }

  private value(tree: Expression): CValue {
    switch (tree.kind) {
      case 'number':
        return constant(
          integerType(`${tree.unsigned ? 'unsigned ' : ''}${tree.long ? 'long' : 'int'}`, tree.long ? 8 : 4, !tree.unsigned),
          tree.value,
        );
      case 'name': {
        const value = this.any(tree);
        if ('map' in value) return fail(`${tree.name} is a map; write ${tree.name}[key]`);
        return value;
      }
      case 'member':
        return this.member(tree);
      case 'index':
        return this.index(tree);
      case 'unary':
        return this.unary(tree);
      case 'binary':
        return this.binary(tree.operator, tree.left, tree.right);
      case 'conditional':
        return this.value(this.truth(tree.condition) ? tree.then : tree.otherwise);
      case 'cast': {
        const type = this.type(tree.type);
        const value = this.value(tree.operand);
        if (type.kind === 'array' || type.kind === 'record' || type.kind === 'void' || type.kind === 'function')
          return fail(`C has no cast to ${type.name}; a pointer to it can be dereferenced`);
        return constant(type, this.operand(value).value);
      }
      case 'sizeof':
        return constant(UNSIGNED_LONG, BigInt(this.type(tree.type).size));
      case 'sizeof-value':
        return constant(UNSIGNED_LONG, BigInt(this.value(tree.operand).type.size));
      default:
        return never(tree);
    }
  }

  private type(name: TypeName): CType {
    let type = this.scope.findType(name.words) ?? fail(`there is no type ${name.words.join(' ')} in this program`);
    for (let i = 0; i < name.stars; i++) type = pointerTo(type);
    return type;
  }

  private member(tree: Expression & { kind: 'member' }): CValue {
    let object = this.value(tree.object);
    if (object.type.kind === 'pointer') object = this.dereferenced(object);
    else if (tree.arrow) return fail(`${object.type.name} is not a pointer; use . instead of ->`);
    const member = findMember(object.type, tree.name);
    if (member) return memberOf(object, member);
    if (object.type.kind !== 'record') return fail(`${object.type.name} has no members`);
    const { name, size } = object.type;
    return fail(
      size === 0
        ? `${name} is only declared here: its members are not known`
        : unknownName(
            tree.name,
            object.type.members().map((other) => other.name),
            `${name} has no member ${tree.name}`,
          ),
    );
  }

  private index(tree: Expression & { kind: 'index' }): CValue {
    const object = this.any(tree.object);
    if ('map' in object) {
      const key = this.value(tree.index);
      const bytes = this.keyBytes(object, key);
      const found = object.at(bytes);
      return 'failure' in found ? fail(found.failure) : found;
    }
    const position = this.operand(this.value(tree.index)).value;
    if (object.type.kind === 'array') {
      const { element, count } = object.type;
      if (count > 0 && (position < 0n || position >= BigInt(count))) return fail(`index ${position} is outside of ${object.type.name}`);
      return elementOf(object, element, Number(position));
    }
    if (object.type.kind === 'pointer') {
      const element = this.dereferenced(object);
      return elementOf(element, element.type, Number(position));
    }
    return fail(`${object.type.name} is not an array, a pointer or a map`);
  }

  private keyBytes(map: MapValue, key: CValue): Uint8Array {
    if (!isScalar(map.keyType)) {
      if (key.type.size !== map.keyType.size) return fail(`a key of ${map.map} is a ${map.keyType.name}`);
      const bytes = key.place.read(key.offset, key.type.size);
      return bytes instanceof Uint8Array ? bytes : fail(bytes.unavailable);
    }
    return integerBytes(this.operand(key).value, map.keyType.size);
  }

  private dereferenced(pointer: CValue): CValue {
    const value = dereference(pointer, this.scope);
    return 'unavailable' in value ? fail(value.unavailable) : value;
  }

  private unary(tree: Expression & { kind: 'unary' }): CValue {
    if (tree.operator === '&') {
      const value = this.value(tree.operand);
      const address = addressOf(value);
      return address === undefined ? fail('this value has no address: it lives in a register') : constant(pointerTo(value.type), address);
    }
    if (tree.operator === '*') {
      const value = this.value(tree.operand);
      if (value.type.kind === 'array') return elementOf(value, value.type.element, 0);
      return value.type.kind === 'pointer' ? this.dereferenced(value) : fail(`${value.type.name} is not a pointer`);
    }
    if (tree.operator === '!') return constant(INT, this.truth(tree.operand) ? 0n : 1n);
    const { type, value } = promote(this.operand(this.value(tree.operand)));
    return constant(type, tree.operator === '-' ? -value : tree.operator === '~' ? ~value : value);
  }

  private truth(tree: Expression): boolean {
    return this.operand(this.value(tree)).value !== 0n;
  }

  /** An array counts as the address of its first element, as in C. */
  private operand(value: CValue): Operand {
    if (value.type.kind === 'array') {
      const address = addressOf(value);
      return address === undefined ? fail('this array has no address') : { type: pointerTo(value.type.element), value: address };
    }
    if (value.type.kind === 'float') return fail('floating point is not supported in expressions');
    if (!isScalar(value.type)) return fail(`${value.type.name} is not a number`);
    const number = readInteger(value);
    return typeof number === 'bigint' ? { type: value.type, value: number } : fail(number.unavailable);
  }

  private binary(operator: BinaryOperator, leftTree: Expression, rightTree: Expression): CValue {
    if (operator === '&&') return constant(INT, this.truth(leftTree) && this.truth(rightTree) ? 1n : 0n);
    if (operator === '||') return constant(INT, this.truth(leftTree) || this.truth(rightTree) ? 1n : 0n);
    const left = this.operand(this.value(leftTree));
    const right = this.operand(this.value(rightTree));
    if (left.type.kind === 'pointer' || right.type.kind === 'pointer') return pointerArithmetic(operator, left, right);
    if (operator === '<<' || operator === '>>') {
      const promoted = promote(left);
      const bits = BigInt(promoted.type.size * 8);
      if (right.value < 0n || right.value >= bits) return fail(`a shift by ${right.value} bits is undefined for ${promoted.type.name}`);
      return constant(promoted.type, operator === '<<' ? promoted.value << right.value : promoted.value >> right.value);
    }
    const [a, b, type] = usualConversions(left, right);
    return arithmetic(operator, a, b, type);
  }
}

function arithmetic(operator: Exclude<BinaryOperator, '&&' | '||' | '<<' | '>>'>, a: bigint, b: bigint, type: CType): CValue {
  const truth = (value: boolean): CValue => constant(INT, value ? 1n : 0n);
  switch (operator) {
    case '*':
      return constant(type, a * b);
    case '/':
    case '%':
      if (b === 0n) return fail('division by zero');
      return constant(type, operator === '/' ? a / b : a % b);
    case '+':
      return constant(type, a + b);
    case '-':
      return constant(type, a - b);
    case '&':
      return constant(type, a & b);
    case '^':
      return constant(type, a ^ b);
    case '|':
      return constant(type, a | b);
    case '<':
      return truth(a < b);
    case '>':
      return truth(a > b);
    case '<=':
      return truth(a <= b);
    case '>=':
      return truth(a >= b);
    case '==':
      return truth(a === b);
    case '!=':
      return truth(a !== b);
    default:
      return never(operator);
  }
}

/** `void *` counts bytes, as GNU C has it. */
const strideOf = (type: CType): bigint => (type.kind === 'pointer' ? BigInt(type.target().size || 1) : 1n);

function pointerArithmetic(operator: BinaryOperator, left: Operand, right: Operand): CValue {
  if (operator === '+' || operator === '-') {
    if (left.type.kind === 'pointer' && right.type.kind === 'pointer')
      return operator === '-' ? constant(LONG, (left.value - right.value) / strideOf(left.type)) : fail('two pointers cannot be added');
    if (left.type.kind === 'pointer')
      return constant(
        left.type,
        operator === '+' ? left.value + right.value * strideOf(left.type) : left.value - right.value * strideOf(left.type),
      );
    return operator === '+'
      ? constant(right.type, right.value + left.value * strideOf(right.type))
      : fail('a pointer cannot be subtracted from a number');
  }
  if (['<', '>', '<=', '>=', '==', '!='].includes(operator))
    return arithmetic(operator as '<', asU64(left.value), asU64(right.value), UNSIGNED_LONG);
  return fail(`a pointer cannot be an operand of ${operator}; cast it to unsigned long first`);
}

/** Integers narrower than int become int (C11 6.3.1.1). */
function promote(operand: Operand): Operand {
  return operand.type.size < 4 || operand.type.kind === 'enum'
    ? { type: operand.type.size > 4 || (operand.type.kind === 'enum' && !operand.type.signed) ? operand.type : INT, value: operand.value }
    : operand;
}

/** C11 6.3.1.8 for integers: the wider wins; of two as wide, the unsigned one. */
function usualConversions(left: Operand, right: Operand): [bigint, bigint, CType] {
  const a = promote(left);
  const b = promote(right);
  const signed = (type: CType): boolean => type.kind === 'integer' && type.signed;
  const type = a.type.size > b.type.size ? a.type : b.type.size > a.type.size ? b.type : signed(a.type) ? b.type : a.type;
  const convert = (value: bigint): bigint => (signed(type) ? BigInt.asIntN(type.size * 8, value) : BigInt.asUintN(type.size * 8, value));
  return [convert(a.value), convert(b.value), type];
}

/** Says that a name is unknown and offers the nearest one. */
function unknownName(name: string, known: readonly string[], sentence = `there is no ${name} here`): string {
  let best: string | undefined;
  let bestDistance = 3;
  for (const other of known) {
    const distance = editDistance(name, other, bestDistance);
    if (distance < bestDistance) [best, bestDistance] = [other, distance];
  }
  return best === undefined ? sentence : `${sentence}; did you mean ${best}?`;
}

function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit;
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    row = next;
  }
  return row[b.length]!;
}
