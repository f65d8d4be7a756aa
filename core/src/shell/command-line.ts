// A command line as a shell reads it, as far as these commands need it: words with quotes and backslashes, pipes, `;`, `&&`, `||`, `>` and `>>`.

export interface Command {
  words: readonly string[];
  /** Indexes of the words with `*` or `?` outside of quotes. */
  patterns?: readonly number[];
  /** `> file` or `>> file`. */
  into?: { path: string; append: boolean };
}

/** Commands joined by `|`; `after` says whether the status of the one before lets it run. */
export interface Pipeline {
  commands: readonly Command[];
  after: ';' | '&&' | '||';
}

type Token = { word: string; pattern: boolean } | { operator: string };

const OPERATORS = ['&&', '||', '>>', '|', ';', '>'];

function tokens(line: string): readonly Token[] {
  const list: Token[] = [];
  let word: string | undefined;
  let pattern = false;
  const end = (): void => {
    if (word !== undefined) list.push({ word, pattern });
    word = undefined;
    pattern = false;
  };
  let quote: string | undefined;
  for (let i = 0; i < line.length; i++) {
    const character = line[i]!;
    if (quote !== undefined) {
      if (character === quote) quote = undefined;
      else word += character;
      continue;
    }
    const operator = OPERATORS.find((known) => line.startsWith(known, i));
    if (operator) {
      // `2>&1` and `2>/dev/null` name standard error, which stands beside standard output here.
      const redirected = operator === '>' && word === '2' ? /^>(&1|\s*\S+)/.exec(line.slice(i)) : null;
      if (redirected) {
        word = undefined;
        i += redirected[0].length - 1;
        continue;
      }
      end();
      list.push({ operator });
      i += operator.length - 1;
    } else if (character === '#' && word === undefined) break;
    else if (character === '"' || character === "'") {
      quote = character;
      word ??= '';
    } else if (character === '\\' && i + 1 < line.length) word = (word ?? '') + line[++i]!;
    else if (/\s/.test(character)) end();
    else {
      pattern ||= character === '*' || character === '?';
      word = (word ?? '') + character;
    }
  }
  end();
  return list;
}

/** The words of one command. */
export const splitWords = (line: string): readonly string[] => tokens(line).flatMap((token) => ('word' in token ? [token.word] : []));

export function parseLine(line: string): readonly Pipeline[] | { problem: string } {
  const pipelines: Pipeline[] = [];
  let commands: Command[] = [];
  let words: string[] = [];
  let patterns: number[] = [];
  let into: Command['into'];
  let after: Pipeline['after'] = ';';
  const list = tokens(line);
  const endCommand = (): boolean => {
    if (words.length === 0) return false;
    commands.push({ words, ...(patterns.length > 0 ? { patterns } : {}), ...(into ? { into } : {}) });
    words = [];
    patterns = [];
    into = undefined;
    return true;
  };
  for (let i = 0; i < list.length; i++) {
    const token = list[i]!;
    if ('word' in token) {
      if (token.pattern) patterns.push(words.length);
      words.push(token.word);
      continue;
    }
    const { operator } = token;
    if (operator === '>' || operator === '>>') {
      const next = list[++i];
      if (!next || !('word' in next)) return { problem: `a file is missing behind '${operator}'` };
      into = { path: next.word, append: operator === '>>' };
      continue;
    }
    if (!endCommand()) {
      if (operator === ';') continue;
      return { problem: `a command is missing before '${operator}'` };
    }
    if (operator === '|') continue;
    pipelines.push({ commands, after });
    commands = [];
    after = operator as Pipeline['after'];
  }
  if (!endCommand() && commands.length > 0) return { problem: "a command is missing behind '|'" };
  if (commands.length > 0) pipelines.push({ commands, after });
  return pipelines;
}
