// Reads the C expressions that people type into watches, conditions and the Debug Console into a tree.
// A subset: no assignment inside an expression, no comma, no strings, no calls but sizeof. Evaluates nothing.

export type Expression =
  | { kind: 'number'; value: bigint; unsigned: boolean; long: boolean }
  | { kind: 'name'; name: string }
  | { kind: 'member'; object: Expression; name: string; arrow: boolean }
  | { kind: 'index'; object: Expression; index: Expression }
  | { kind: 'unary'; operator: '-' | '+' | '!' | '~' | '*' | '&'; operand: Expression }
  | { kind: 'binary'; operator: BinaryOperator; left: Expression; right: Expression }
  | { kind: 'conditional'; condition: Expression; then: Expression; otherwise: Expression }
  | { kind: 'cast'; type: TypeName; operand: Expression }
  | { kind: 'sizeof'; type: TypeName }
  | { kind: 'sizeof-value'; operand: Expression };

export type BinaryOperator =
  '*' | '/' | '%' | '+' | '-' | '<<' | '>>' | '<' | '>' | '<=' | '>=' | '==' | '!=' | '&' | '^' | '|' | '&&' | '||';

/** `struct iphdr *`: words `['struct', 'iphdr']`, one star. */
export interface TypeName {
  words: readonly string[];
  stars: number;
}

export interface SyntaxError {
  /** One sentence. */
  message: string;
  /** Offset in the text. */
  at: number;
}

/** A whole line: an expression, or `place = expression`. */
export type Statement = { kind: 'expression'; expression: Expression } | { kind: 'assignment'; target: Expression; value: Expression };

/** Says whether a name is a type, so that `(name)x` is a cast. */
export type IsTypeName = (words: readonly string[]) => boolean;

interface Token {
  kind: 'number' | 'name' | 'operator' | 'end';
  text: string;
  at: number;
}

class ExpressionError extends Error {
  constructor(
    message: string,
    readonly at: number,
  ) {
    super(message);
  }
}

const OPERATORS = [
  '<<',
  '>>',
  '<=',
  '>=',
  '==',
  '!=',
  '&&',
  '||',
  '->',
  '+',
  '-',
  '*',
  '/',
  '%',
  '<',
  '>',
  '&',
  '^',
  '|',
  '!',
  '~',
  '(',
  ')',
  '[',
  ']',
  '.',
  '?',
  ':',
  '=',
  ',',
];
const TYPE_WORDS = new Set([
  'struct',
  'union',
  'enum',
  'const',
  'volatile',
  'unsigned',
  'signed',
  'short',
  'long',
  'int',
  'char',
  'void',
  '_Bool',
  'bool',
]);

/** Evaluation goes down the tree once an operator: the bound keeps it far from the end of the stack. */
const MOST_TOKENS = 1000;

/** Levels from loosest to tightest, as C has them. */
const PRECEDENCE: readonly (readonly BinaryOperator[])[] = [
  ['||'],
  ['&&'],
  ['|'],
  ['^'],
  ['&'],
  ['==', '!='],
  ['<', '>', '<=', '>='],
  ['<<', '>>'],
  ['+', '-'],
  ['*', '/', '%'],
];

export function parseExpression(text: string, isTypeName: IsTypeName): Expression | SyntaxError {
  const statement = parseStatement(text, isTypeName);
  if ('message' in statement) return statement;
  return statement.kind === 'expression'
    ? statement.expression
    : { message: 'an assignment is not allowed here; == compares', at: text.indexOf('=') };
}

export function parseStatement(text: string, isTypeName: IsTypeName): Statement | SyntaxError {
  try {
    return new Parser(tokenize(text), isTypeName).statement();
  } catch (cause) {
    if (cause instanceof ExpressionError) return { message: cause.message, at: cause.at };
    throw cause;
  }
}

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    if (tokens.length >= MOST_TOKENS) throw new ExpressionError(`the expression has more than ${MOST_TOKENS} words and signs`, at);
    const rest = text.slice(at);
    const space = /^\s+/.exec(rest);
    if (space) {
      at += space[0].length;
      continue;
    }
    const number = /^(0[xX][0-9a-fA-F]+|0[bB][01]+|[0-9]+)[uUlL]*(?![\w.])/.exec(rest) ?? /^'(\\.|[^\\'])'/.exec(rest);
    const name = /^[$A-Za-z_][\w$]*/.exec(rest);
    const operator = OPERATORS.find((candidate) => rest.startsWith(candidate));
    if (number) tokens.push({ kind: 'number', text: number[0], at });
    else if (name) tokens.push({ kind: 'name', text: name[0], at });
    else if (operator !== undefined) tokens.push({ kind: 'operator', text: operator, at });
    else
      throw new ExpressionError(
        /^[0-9]/.test(rest) ? `'${/^[\w.]+/.exec(rest)![0]}' is not an integer` : `'${rest[0]}' is not part of an expression here`,
        at,
      );
    at += tokens.at(-1)!.text.length;
  }
  tokens.push({ kind: 'end', text: '', at: text.length });
  return tokens;
}

const CHARACTER_ESCAPES: Readonly<Record<string, number>> = { n: 10, t: 9, r: 13, '0': 0, a: 7, '\\': 92, "'": 39 };

class Parser {
  private position = 0;
  private depth = 0;

  constructor(
    private readonly tokens: readonly Token[],
    private readonly isTypeName: IsTypeName,
  ) {}

  statement(): Statement {
    const expression = this.expression();
    if (this.take('=')) {
      const value = this.expression();
      this.end();
      return { kind: 'assignment', target: expression, value };
    }
    this.end();
    return { kind: 'expression', expression };
  }

  private get token(): Token {
    return this.tokens[this.position]!;
  }

  private take(text: string): boolean {
    if (this.token.kind !== 'operator' || this.token.text !== text) return false;
    this.position++;
    return true;
  }

  private need(text: string): void {
    if (!this.take(text))
      throw new ExpressionError(
        this.token.kind === 'end' ? `'${text}' is missing at the end` : `'${text}' expected before '${this.token.text}'`,
        this.token.at,
      );
  }

  private end(): void {
    if (this.token.kind !== 'end') throw new ExpressionError(`'${this.token.text}' is not expected here`, this.token.at);
  }

  private expression(): Expression {
    // Deep nesting would overflow the stack of the parser and of everyone who walks the tree.
    if (++this.depth > 100) throw new ExpressionError('the expression is nested too deeply', this.token.at);
    const condition = this.binary(0);
    if (!this.take('?')) {
      this.depth--;
      return condition;
    }
    const then = this.expression();
    this.need(':');
    const otherwise = this.expression();
    this.depth--;
    return { kind: 'conditional', condition, then, otherwise };
  }

  private binary(level: number): Expression {
    const operators = PRECEDENCE[level];
    if (!operators) return this.unary();
    let left = this.binary(level + 1);
    for (;;) {
      const operator = operators.find((candidate) => this.token.kind === 'operator' && this.token.text === candidate);
      if (operator === undefined) return left;
      this.position++;
      left = { kind: 'binary', operator, left, right: this.binary(level + 1) };
    }
  }

  private unary(): Expression {
    if (++this.depth > 100) throw new ExpressionError('the expression is nested too deeply', this.token.at);
    const result = this.unaryInner();
    this.depth--;
    return result;
  }

  private unaryInner(): Expression {
    for (const operator of ['-', '+', '!', '~', '*', '&'] as const)
      if (this.take(operator)) return { kind: 'unary', operator, operand: this.unary() };
    if (this.take('&&')) throw new ExpressionError("a value is missing before '&&'", this.token.at);
    if (this.token.kind === 'name' && this.token.text === 'sizeof') {
      this.position++;
      const type = this.parenthesisedType();
      return type ? { kind: 'sizeof', type } : { kind: 'sizeof-value', operand: this.unary() };
    }
    const type = this.parenthesisedType();
    return type ? { kind: 'cast', type, operand: this.unary() } : this.postfix();
  }

  /** `(type)` at the cursor, which goes behind it; otherwise the cursor stays. */
  private parenthesisedType(): TypeName | undefined {
    const start = this.position;
    if (!this.take('(')) return undefined;
    const words: string[] = [];
    while (this.token.kind === 'name' && (words.length === 0 || TYPE_WORDS.has(words.at(-1)!) || TYPE_WORDS.has(this.token.text))) {
      words.push(this.token.text);
      this.position++;
    }
    let stars = 0;
    while (words.length > 0 && this.take('*')) stars++;
    if (words.length > 0 && this.take(')') && (TYPE_WORDS.has(words[0]!) || this.isTypeName(words))) return { words, stars };
    this.position = start;
    return undefined;
  }

  private postfix(): Expression {
    let expression = this.primary();
    for (;;) {
      if (this.take('[')) {
        const index = this.expression();
        this.need(']');
        expression = { kind: 'index', object: expression, index };
      } else if (this.take('.')) expression = { kind: 'member', object: expression, name: this.name(), arrow: false };
      else if (this.take('->')) expression = { kind: 'member', object: expression, name: this.name(), arrow: true };
      else if (this.token.text === '(' && this.token.kind === 'operator')
        throw new ExpressionError('functions and helpers cannot be called from an expression', this.token.at);
      else return expression;
    }
  }

  private name(): string {
    if (this.token.kind !== 'name')
      throw new ExpressionError(
        this.token.kind === 'end' ? 'a member name is missing at the end' : `a member name is expected before '${this.token.text}'`,
        this.token.at,
      );
    return this.tokens[this.position++]!.text;
  }

  private primary(): Expression {
    const { token } = this;
    if (this.take('(')) {
      const expression = this.expression();
      this.need(')');
      return expression;
    }
    if (token.kind === 'number') {
      this.position++;
      return numberOf(token.text);
    }
    if (token.kind === 'name') {
      this.position++;
      return { kind: 'name', name: token.text };
    }
    throw new ExpressionError(
      token.kind === 'end' ? 'a value is missing at the end' : `a value is expected before '${token.text}'`,
      token.at,
    );
  }
}

function numberOf(text: string): Expression {
  if (text.startsWith("'")) {
    const value = text[1] === '\\' ? (CHARACTER_ESCAPES[text[2]!] ?? text.charCodeAt(2)) : text.charCodeAt(1);
    return { kind: 'number', value: BigInt(value), unsigned: false, long: false };
  }
  const suffix = /[uUlL]*$/.exec(text)![0].toLowerCase();
  const digits = text.slice(0, text.length - suffix.length);
  const octal = /^0[0-7]+$/.test(digits);
  const value = BigInt.asUintN(64, BigInt(octal ? `0o${digits.slice(1)}` : digits));
  const decimal = !digits.startsWith('0');
  // C's rule (6.4.4.1): the first of int, unsigned (not for decimal), long, unsigned long that can hold it.
  const unsigned = suffix.includes('u') || value > 0x7fff_ffff_ffff_ffffn || (!decimal && value > 0x7fff_ffffn && value <= 0xffff_ffffn);
  const long = suffix.includes('l') || value > (unsigned ? 0xffff_ffffn : 0x7fff_ffffn);
  return { kind: 'number', value, unsigned, long };
}
