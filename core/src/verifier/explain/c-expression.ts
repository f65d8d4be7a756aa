// Finds the C expression that a line record means: the compiler names a place in a line, the expression around it is what a
// person would underline. Looks at one line of text only; it is no parser, and gives undefined where it is not sure.

export interface CExpression {
  /** As written: `data[idx]`, `value->count`, `bpf_map_lookup_elem(&counts, &key)`. */
  readonly text: string;
  /** Counted from 0, `end` behind the last character. */
  readonly start: number;
  readonly end: number;
}

type TokenKind = 'name' | 'number' | 'string' | 'mark';

interface Token {
  readonly kind: TokenKind;
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

const TOKEN =
  /([A-Za-z_]\w*)|(\.?\d[\w.]*)|("(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?)|(->|\+\+|--|<<=|>>=|<<|>>|[-+*/%&|^=!<>]=|&&|\|\||[^\s\w])/g;

function tokensOf(line: string): Token[] {
  const code = line.replace(/\/\/.*$/, '').replace(/\/\*.*?(\*\/|$)/g, (comment) => ' '.repeat(comment.length));
  const tokens: Token[] = [];
  for (const match of code.matchAll(TOKEN)) {
    const kind: TokenKind =
      match[1] !== undefined ? 'name' : match[2] !== undefined ? 'number' : match[3] !== undefined ? 'string' : 'mark';
    tokens.push({ kind, text: match[0], start: match.index, end: match.index + match[0].length });
  }
  return tokens;
}

const KEYWORDS = new Set(['return', 'if', 'else', 'while', 'for', 'do', 'switch', 'case', 'goto', 'break', 'continue', 'default']);
/** Inline assembly and the heads that libbpf's macros make of functions: neither is an expression. */
const ASSEMBLY = new Set([
  'asm',
  '__asm__',
  '__asm',
  'volatile',
  '__volatile__',
  'BPF_PROG',
  'BPF_PROG2',
  'BPF_KPROBE',
  'BPF_KRETPROBE',
  'BPF_KSYSCALL',
  'BPF_UPROBE',
  'BPF_URETPROBE',
  'BPF_USDT',
]);
const ASSIGNMENTS = new Set(['=', '+=', '-=', '*=', '/=', '%=', '&=', '|=', '^=', '<<=', '>>=']);
/** How strongly binary operators hold their operands; larger is stronger. */
const PRECEDENCE: Readonly<Record<string, number>> = {
  '*': 10,
  '/': 10,
  '%': 10,
  '+': 9,
  '-': 9,
  '<<': 8,
  '>>': 8,
  '<': 7,
  '>': 7,
  '<=': 7,
  '>=': 7,
  '==': 6,
  '!=': 6,
  '&': 5,
  '^': 4,
  '|': 3,
  '&&': 2,
  '||': 1,
};
const PREFIXES = new Set(['*', '&', '!', '~', '-', '+', '++', '--']);

class Scan {
  constructor(private readonly tokens: readonly Token[]) {}

  private text(at: number): string {
    return this.tokens[at]?.text ?? '';
  }
  private isName(at: number): boolean {
    const token = this.tokens[at];
    return token?.kind === 'name' && !KEYWORDS.has(token.text);
  }

  /** The bracket that closes (or opens) the one here; -1 where the line ends first. */
  private partner(at: number, step: 1 | -1): number {
    let depth = 0;
    for (let i = at; i >= 0 && i < this.tokens.length; i += step) {
      const text = this.text(i);
      if (text === '(' || text === '[' || text === '{') depth += step;
      else if (text === ')' || text === ']' || text === '}') depth -= step;
      if (depth === 0) return i;
    }
    return -1;
  }

  /** Whether the operator here stands in front of its operand. */
  private isPrefix(at: number): boolean {
    const before = this.tokens[at - 1];
    if (!before) return true;
    if (before.kind === 'name') return KEYWORDS.has(before.text);
    if (before.kind !== 'mark') return false;
    if (before.text === ')') return this.isCast(at - 1);
    return before.text !== ']';
  }

  /** Whether the bracket that closes here holds a type. */
  private isCast(close: number): boolean {
    const open = this.partner(close, -1);
    if (open < 0 || this.isName(open - 1)) return false;
    const inside = this.tokens.slice(open + 1, close);
    return (
      inside.length > 0 &&
      inside.every(({ kind, text }) => kind === 'name' || text === '*') &&
      (inside.some(({ text }) => text === '*') ||
        /^(struct|union|enum|unsigned|signed|int|long|char|short|void|__?[usb]\w*\d+|[us]\d+|\w+_t|bool|size_t)$/.test(inside[0]!.text))
    );
  }

  /** Last token of the unary or postfix expression that begins here; -1 where there is none. */
  private operandEnd(at: number): number {
    const token = this.tokens[at];
    if (!token) return -1;
    if (token.kind === 'mark' && PREFIXES.has(token.text)) return this.operandEnd(at + 1);
    if (token.text === '(') {
      const close = this.partner(at, 1);
      if (close < 0) return -1;
      if (this.isCast(close)) {
        const after = this.operandEnd(close + 1);
        if (after >= 0) return after;
      }
      return this.postfixEnd(close);
    }
    if (token.kind === 'mark' || KEYWORDS.has(token.text)) return -1;
    return this.postfixEnd(at);
  }

  /** Goes on over `[…]`, `(…)`, `.x` and `->x`. */
  private postfixEnd(at: number, members = true): number {
    let end = at;
    for (;;) {
      const next = this.text(end + 1);
      if (next === '[' || next === '(') {
        const close = this.partner(end + 1, 1);
        if (close < 0) return end;
        end = close;
      } else if (members && (next === '->' || next === '.') && this.isName(end + 2)) end += 2;
      else if (members && (next === '++' || next === '--')) end++;
      else return end;
    }
  }

  /** An element of an array is meant by its first name: `t` of `t->data[i]`. Without an index, the name itself. */
  private elementEnd(at: number): number {
    let end = at;
    while ((this.text(end + 1) === '->' || this.text(end + 1) === '.') && this.isName(end + 2)) end += 2;
    return this.text(end + 1) === '[' ? this.postfixEnd(end, false) : this.postfixEnd(at, false);
  }

  /** First token of the postfix expression that ends here. */
  private postfixStart(at: number): number {
    let start = at;
    for (;;) {
      if (this.text(start) === ']' || this.text(start) === ')') {
        const open = this.partner(start, -1);
        if (open < 0) return start;
        start = open;
        if (this.isName(open - 1)) start = open - 1;
        else if (this.text(open) === '[' && (this.text(open - 1) === ')' || this.text(open - 1) === ']')) {
          start = open - 1;
          continue;
        }
      }
      if ((this.text(start - 1) === '->' || this.text(start - 1) === '.') && start >= 2) start -= 2;
      else return start;
    }
  }

  /** First token of what stands left of a binary operator. */
  private leftStart(operator: number, precedence: number): number {
    let start = operator;
    for (;;) {
      const end = start - 1;
      if (end < 0) return -1;
      start = this.postfixStart(end);
      while (
        start > 0 &&
        ((this.tokens[start - 1]!.kind === 'mark' && PREFIXES.has(this.text(start - 1)) && this.isPrefix(start - 1)) ||
          (this.text(start - 1) === ')' && this.isCast(start - 1)))
      ) {
        start = this.text(start - 1) === ')' ? this.partner(start - 1, -1) : start - 1;
      }
      const before = this.text(start - 1);
      if (start === 0 || (PRECEDENCE[before] ?? 0) < precedence) return start;
      start--;
    }
  }

  /** Last token of what stands right of a binary operator. */
  private rightEnd(operator: number, precedence: number): number {
    let end = this.operandEnd(operator + 1);
    while (end >= 0 && (PRECEDENCE[this.text(end + 1)] ?? 0) > precedence) {
      const further = this.operandEnd(end + 2);
      if (further < 0) break;
      end = further;
    }
    return end;
  }

  /** Token of the end of the statement, or of the part of a bracket that holds it. */
  private statementEnd(at: number): number {
    let end = at;
    for (let i = at; i < this.tokens.length; i++) {
      const text = this.text(i);
      if (text === ';' || text === ')' || text === ']' || text === '}' || text === ',') return i - 1;
      if (text === '(' || text === '[' || text === '{') {
        const close = this.partner(i, 1);
        if (close < 0) return this.tokens.length - 1;
        i = close;
      }
      end = i;
    }
    return end;
  }

  private statementStart(at: number): number {
    let start = at;
    for (let i = at; i >= 0; i--) {
      const text = this.text(i);
      if (text === ';' || text === '(' || text === '[' || text === '{' || text === '}' || text === ',' || KEYWORDS.has(text)) return i + 1;
      if (text === ')' || text === ']') {
        const open = this.partner(i, -1);
        if (open < 0) return 0;
        i = open;
      }
      start = i;
    }
    return start;
  }

  /** First and last token of the expression that the compiler means by the token here. */
  around(at: number): [number, number] | undefined {
    const token = this.tokens[at]!;
    const { text } = token;
    if (ASSEMBLY.has(text)) return undefined;
    if (KEYWORDS.has(text)) {
      if (text === 'return') return [at, Math.max(at, this.statementEnd(at + 1))];
      if (this.text(at + 1) !== '(') return undefined;
      const close = this.partner(at + 1, 1);
      return close < 0 ? undefined : [at, close];
    }
    if (token.kind === 'name' || token.kind === 'number' || token.kind === 'string') return [this.postfixStart(at), this.elementEnd(at)];
    if (ASSIGNMENTS.has(text)) {
      const start = this.statementStart(at - 1);
      const end = this.statementEnd(at + 1);
      return start < at && end > at ? [start, end] : undefined;
    }
    if (text === '++' || text === '--') {
      if (this.isPrefix(at)) return [at, Math.max(at, this.operandEnd(at + 1))];
      return [this.postfixStart(at - 1), at];
    }
    if (text === '(') {
      const end = this.operandEnd(at);
      return end < 0 ? undefined : [at, end];
    }
    if (text === '[') {
      const close = this.partner(at, 1);
      return close < 0 ? undefined : [this.postfixStart(close), close];
    }
    if (text === '->' || text === '.') return this.isName(at + 1) ? [this.postfixStart(at + 1), this.postfixEnd(at + 1, false)] : undefined;
    if (text === '?') return undefined;
    if (PREFIXES.has(text) && this.isPrefix(at)) {
      const end = this.operandEnd(at + 1);
      return end < 0 ? undefined : [at, end];
    }
    const precedence = PRECEDENCE[text];
    if (precedence === undefined) return undefined;
    const start = this.leftStart(at, precedence);
    const end = this.rightEnd(at, precedence);
    return start < 0 || end < 0 ? undefined : [start, end];
  }
}

/** The expression at `column` (from 1, as line records count; 0 is unknown) of a line of C. */
export function expressionAt(line: string, column: number): CExpression | undefined {
  if (column <= 0 || line === '') return undefined;
  const tokens = tokensOf(line);
  const at = tokens.findIndex(({ start, end }) => column - 1 >= start && column - 1 < end);
  if (at < 0) return undefined;
  const found = new Scan(tokens).around(at);
  if (!found) return undefined;
  const start = tokens[found[0]]!.start;
  const end = tokens[found[1]]!.end;
  return end <= start ? undefined : { text: line.slice(start, end), start, end };
}

/** The variable that takes the value of the expression at `column`: `value` of `long *value = bpf_map_lookup_elem(…)`. */
export function assignedName(line: string, column: number): string | undefined {
  const before = line.slice(0, Math.max(0, column - 1));
  const found =
    /([A-Za-z_]\w*(?:(?:->|\.)\w+|\[\w+\])*)\s*=\s*(?:\([^()=]*\)\s*)*$/.exec(before) ?? /^[\s\w*]*?([A-Za-z_]\w*)\s*=\s*$/.exec(before);
  // The compiler may point at the name or at the `=` itself.
  if (found) return found[1];
  const rest = /^([A-Za-z_]\w*(?:(?:->|\.)\w+)*)\s*=(?!=)/.exec(line.slice(Math.max(0, column - 1)));
  if (rest) return rest[1];
  return /^\s*=(?!=)/.test(line.slice(Math.max(0, column - 1))) ? /([A-Za-z_]\w*(?:(?:->|\.)\w+)*)\s*$/.exec(before)?.[1] : undefined;
}

/** The pointer that an expression goes through: `value` of `*value += 1`, `task` of `task->pid`, `data` of `data[idx]`. */
export function pointerOf(expression: string): string | undefined {
  const text = expression
    .replace(/^return\s+/, '')
    .replace(/\s*(?:[-+*/%&|^]|<<|>>)?=(?!=).*$/s, '')
    .replace(/(\+\+|--)$/, '')
    .replace(/^(\+\+|--)/, '')
    .trim();
  const member = /^(.+)(?:->|\.)\w+$/s.exec(text);
  if (member) return member[1]!.trim();
  const element = /^(.+)\[[^[\]]*\]$/s.exec(text);
  if (element) return element[1]!.trim();
  const pointee = /^\*\s*(?:\([^()]*\*\s*\)\s*)?([A-Za-z_][\w.>[\]-]*)$/s.exec(text);
  if (pointee) return pointee[1]!;
  return undefined;
}
