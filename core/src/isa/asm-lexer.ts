// Tokens of an assembly line, and the comments between them. Knows no instruction.
// `;` has two meanings in the field: LLVM separates statements with it, listings and the verifier's log comment with it.
// At the start of a line, and where the rest does not read like a statement, it is a comment.

export interface Token {
  kind: 'name' | 'number' | 'string' | 'operator';
  /** As written; of a string the decoded text (one character a byte, Latin-1). */
  text: string;
  /** Counts from 1. */
  column: number;
  endColumn: number;
}

/** What is wrong at a place of the line; the assembler turns it into a Problem. */
export class AsmError extends Error {
  constructor(
    message: string,
    readonly column: number,
    readonly endColumn: number = column + 1,
    readonly code = 'asm-syntax',
  ) {
    super(message);
  }
}

const OPERATORS = [
  's>>=',
  '<<=',
  '>>=',
  's>=',
  's<=',
  's/=',
  's%=',
  '+=',
  '-=',
  '*=',
  '/=',
  '%=',
  '|=',
  '&=',
  '^=',
  '==',
  '!=',
  '>=',
  '<=',
  's>',
  's<',
] as const;
const NAME_START = /[A-Za-z_.$]/;
const NAME = /[A-Za-z0-9_.$]/;

const REGISTER = '%?[rw]\\d+';
/** Whether text behind a `;` is another statement of LLVM's and not a remark. */
const STATEMENT = new RegExp(
  `^\\s*(?:[A-Za-z_.$][\\w.$]*:\\s*(?:$|;|#)|${REGISTER}\\s*(?:=|[-+*/%|&^]=|<<=|s?>>=|s[/%]=)|if\\s+${REGISTER}\\s*[=!<>&s]|(?:goto|gotol|may_goto)\\s+[-+\\w.$]+\\s*(?:$|;|#|<|/)|call\\s+[-\\w.$%]+\\s*(?:$|;|#)|callx\\s+${REGISTER}|exit\\s*(?:$|;|#)|lock\\s+(?:\\*|\\w+\\s+[[\\w])|\\*\\s*\\(\\s*[us]\\d+\\s*\\*|(\\w+)\\s+(?:${REGISTER}\\s*(?:,|$|;)|\\[\\s*${REGISTER}))`,
);

export interface Statement {
  tokens: Token[];
}

/** State that goes from line to line: an open block comment. */
export interface LexerState {
  inComment: boolean;
  /** Whether a word is an instruction of the classic dialect: `; add r1, r2` is one, `; uses r1, r2` a remark. */
  isMnemonic?: (word: string) => boolean;
}

function readsLikeStatement(text: string, state: LexerState): boolean {
  const match = STATEMENT.exec(text);
  return match !== null && (match[1] === undefined || state.isMnemonic?.(match[1]) !== false);
}

/** The statements of one line. Throws AsmError at what is no token. */
export function lexLine(line: string, state: LexerState, start = 0, end = line.length): Statement[] {
  const statements: Statement[] = [];
  let tokens: Token[] = [];
  const finish = (): void => {
    if (tokens.length > 0) statements.push({ tokens });
    tokens = [];
  };
  let at = start;
  while (at < end) {
    if (state.inComment) {
      const close = line.indexOf('*/', at);
      if (close < 0 || close >= end) return (finish(), statements);
      state.inComment = false;
      at = close + 2;
      continue;
    }
    const c = line[at]!;
    if (c === ' ' || c === '\t' || c === '\r' || c === '\u00a0') {
      at++;
    } else if (c === '/' && line[at + 1] === '/') {
      break;
    } else if (c === '/' && line[at + 1] === '*') {
      state.inComment = true;
      at += 2;
    } else if (c === '#') {
      // `call bpf_map_lookup_elem#1`: the number belongs to the name. Everywhere else `#` begins a comment.
      const previous = tokens.at(-1);
      if (previous?.endColumn !== at + 1 || tokens[0]?.text !== 'call') break;
      const tail = /^#-?[\w.]+/.exec(line.slice(at, end));
      if (!tail) break;
      tokens.push({ kind: 'operator', text: tail[0], column: at + 1, endColumn: at + 1 + tail[0].length });
      at += tail[0].length;
    } else if (c === ';') {
      const rest = line.slice(at + 1, end);
      if ((tokens.length === 0 && statements.length === 0) || !readsLikeStatement(rest, state)) break;
      finish();
      at++;
    } else if (c === '"') {
      const token = lexString(line, at, end);
      tokens.push(token);
      at = token.endColumn - 1;
    } else if (/[0-9]/.test(c)) {
      const text = /^(?:0[xX][0-9a-fA-F_]+|0[bB][01]+|[0-9][0-9_]*)(?:[bf](?![0-9A-Za-z_]))?/.exec(line.slice(at, end))![0];
      const next = line[at + text.length];
      if (next !== undefined && at + text.length < end && /[A-Za-z0-9_]/.test(next)) {
        const whole = /^[\w.]+/.exec(line.slice(at, end))![0];
        // bpftool writes U and ULL behind none of its numbers, C does.
        if (!/^[uUlL]+$/.test(whole.slice(text.length))) throw new AsmError(`"${whole}" is no number`, at + 1, at + 1 + whole.length);
        tokens.push({ kind: 'number', text, column: at + 1, endColumn: at + 1 + whole.length });
        at += whole.length;
      } else {
        tokens.push({ kind: 'number', text, column: at + 1, endColumn: at + 1 + text.length });
        at += text.length;
      }
    } else if (
      c === 's' &&
      !NAME.test(line[at + 1] ?? ' ') &&
      OPERATORS.some((operator) => operator.startsWith('s') && line.startsWith(operator, at))
    ) {
      const operator = OPERATORS.find((candidate) => line.startsWith(candidate, at))!;
      tokens.push({ kind: 'operator', text: operator, column: at + 1, endColumn: at + 1 + operator.length });
      at += operator.length;
    } else if (NAME_START.test(c) || (c === '%' && /[A-Za-z]/.test(line[at + 1] ?? ''))) {
      let stop = at + 1;
      while (stop < end && NAME.test(line[stop]!)) stop++;
      tokens.push({ kind: 'name', text: line.slice(at, stop), column: at + 1, endColumn: stop + 1 });
      at = stop;
    } else {
      const operator = OPERATORS.find((candidate) => line.startsWith(candidate, at)) ?? c;
      if (!/[-+*/%|&^=!<>()[\],:@~]/.test(c)) throw new AsmError(`unexpected character ${JSON.stringify(c)}`, at + 1);
      tokens.push({ kind: 'operator', text: operator, column: at + 1, endColumn: at + 1 + operator.length });
      at += operator.length;
    }
  }
  finish();
  return statements;
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', b: '\b', f: '\f', '\\': '\\', '"': '"', "'": "'" };
const encoder = new TextEncoder();

function lexString(line: string, start: number, end: number): Token {
  let text = '';
  let at = start + 1;
  while (at < end && line[at] !== '"') {
    const c = line[at]!;
    if (c !== '\\') {
      for (const byte of encoder.encode(line.slice(at, at + (c >= '\ud800' && c <= '\udbff' ? 2 : 1)))) text += String.fromCharCode(byte);
      at += c >= '\ud800' && c <= '\udbff' ? 2 : 1;
      continue;
    }
    const octal = /^\\([0-7]{1,3})/.exec(line.slice(at, end));
    const hexadecimal = /^\\x([0-9a-fA-F]+)/.exec(line.slice(at, end));
    if (octal) {
      text += String.fromCharCode(Number.parseInt(octal[1]!, 8) & 0xff);
      at += octal[0].length;
    } else if (hexadecimal) {
      text += String.fromCharCode(Number.parseInt(hexadecimal[1]!.slice(-2), 16));
      at += hexadecimal[0].length;
    } else {
      const escape = ESCAPES[line[at + 1] ?? ''];
      if (escape === undefined) throw new AsmError(`unknown escape \\${line[at + 1] ?? ''} in a string`, at + 1, at + 3);
      text += escape;
      at += 2;
    }
  }
  if (at >= end) throw new AsmError('the string has no closing quote', start + 1, end + 1);
  return { kind: 'string', text, column: start + 1, endColumn: at + 2 };
}
