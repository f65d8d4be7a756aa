// The words and signs of C with their offsets. Comments are left out; a text that is not closed ends with its line.

export interface Token {
  kind: 'word' | 'number' | 'text' | 'sign';
  text: string;
  start: number;
  end: number;
}

const TOKEN =
  /\/\/[^\n]*|\/\*[^]*?(?:\*\/|$)|("(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?)|([A-Za-z_]\w*)|(\.?\d(?:[eEpP][+-]|[\w.])*)|(->|\+\+|--|<<=?|>>=?|[<>=!+\-*/%&|^]=|&&|\|\||\.\.\.|##|[^\s\w])/g;

export function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  for (let match = TOKEN.exec(text); match; match = TOKEN.exec(text)) {
    const kind = match[1] !== undefined ? 'text' : match[2] !== undefined ? 'word' : match[3] !== undefined ? 'number' : 'sign';
    // Whatever is none of the four is a comment.
    if (kind === 'sign' && match[4] === undefined) continue;
    tokens.push({ kind, text: match[0], start: match.index, end: match.index + match[0].length });
  }
  return tokens;
}

/** Index of the last token that begins before an offset; -1 for none. */
export function tokenBefore(tokens: readonly Token[], offset: number): number {
  let low = 0;
  let high = tokens.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (tokens[middle]!.start < offset) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Index behind the bracket that closes the one at `from`; the end of the list where none does. */
export function behindBracket(tokens: readonly Token[], from: number, end = tokens.length): number {
  let depth = 0;
  for (let at = from; at < end; at++) {
    const { text, kind } = tokens[at]!;
    if (kind !== 'sign') continue;
    if (text === '(' || text === '[' || text === '{') depth++;
    else if ((text === ')' || text === ']' || text === '}') && --depth <= 0) return at + 1;
  }
  return end;
}

/** Index of the bracket that opens what the one at `from` closes; -1 for none. */
export function openingBracket(tokens: readonly Token[], from: number): number {
  let depth = 0;
  for (let at = from; at >= 0; at--) {
    const { text, kind } = tokens[at]!;
    if (kind !== 'sign') continue;
    if (text === ')' || text === ']' || text === '}') depth++;
    else if ((text === '(' || text === '[' || text === '{') && --depth <= 0) return at;
  }
  return -1;
}
