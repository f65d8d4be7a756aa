// What a C text declares: types, functions, variables, parameters, locals with their scopes, enumerators, macros. Reads texts that are
// being typed: what it cannot read it steps over. Knows no other file; what a type's name means is said by types.ts.

import { scanMacros } from './c-macros.ts';
import { PROGRAM_MACROS } from './c-syntax.ts';
import { behindBracket, type Token, tokensOf } from './tokens.ts';

export type Keyword = 'struct' | 'union' | 'enum';

export type CType =
  /** A typedef's name or a base type: `__u32`, `unsigned long`. */
  | { kind: 'name'; name: string }
  /** `struct x`, defined wherever. */
  | { kind: 'tag'; keyword: Keyword; name: string }
  /** A definition in the place of a type. */
  | { kind: 'composite'; composite: Composite }
  | { kind: 'pointer'; to: CType }
  | { kind: 'array'; of: CType; /** As written. */ count: string }
  | { kind: 'function'; returns: CType; parameters: readonly Declaration[] }
  /** A type of the kernel, by its BTF id. */
  | { kind: 'btf'; id: number };

export interface Composite {
  keyword: Keyword;
  /** Empty for an anonymous one. */
  name: string;
  members: readonly Declaration[];
}

export interface Declaration {
  kind: 'variable' | 'parameter' | 'function' | 'member' | 'typedef' | 'tag' | 'enumerator' | 'macro';
  name: string;
  nameStart: number;
  /** The whole declaration as written. */
  start: number;
  end: number;
  type: CType;
  /** Offsets between which a local or parameter is known; absent for what the file declares. */
  scope?: { start: number; end: number };
  /** Of a function with a body: where its braces are. */
  body?: { start: number; end: number };
  /** Text of an enumerator's value or a macro's expansion. */
  value?: string;
  /** Of a macro that takes arguments, as written. */
  arguments?: string;
  /** Bits of a bit field, as written. */
  bits?: string;
}

export interface CFile {
  uri: string;
  text: string;
  /** All words of the text, those of BPF's macros too. */
  tokens: readonly Token[];
  /** Of the file: in the order of the text. */
  declarations: readonly Declaration[];
  /** Parameters and locals. */
  locals: readonly Declaration[];
  /** Name → declarations of the file, for tags with the keyword: `struct x`. */
  byName: ReadonlyMap<string, Declaration>;
  includes: readonly Include[];
}

export interface Include {
  name: string;
  quoted: boolean;
  /** Offsets of the name. */
  start: number;
  end: number;
}

const QUALIFIERS = new Set(
  'const volatile restrict static extern inline register auto __restrict __inline __inline__ __volatile__ __extension__ _Atomic __user __rcu __percpu'.split(
    ' ',
  ),
);
const BASES = new Set('void char short int long float double signed unsigned _Bool bool __signed__ __int128'.split(' '));
const KEYWORDS = new Set(
  'if else for while do switch case default return goto break continue sizeof typeof __typeof__ asm __asm__ volatile'.split(' '),
);
const UNKNOWN: CType = { kind: 'name', name: 'int' };
const MAX_DEPTH = 40;

/** `typedef` names that other files define are asked for with `isType`. */
export function readDeclarations(uri: string, text: string, isType: (name: string) => boolean = () => false): CFile {
  const { masked } = scanMacros(text);
  const reader = new Reader(isType);
  const { code, includes } = reader.directives(masked);
  reader.read(tokensOf(code), code);
  const byName = new Map<string, Declaration>();
  for (const one of reader.declarations) {
    const key = one.kind === 'tag' && one.type.kind === 'composite' ? `${one.type.composite.keyword} ${one.name}` : one.name;
    // A definition says more than the declarations before it.
    if (!byName.has(key) || one.body) byName.set(key, one);
  }
  return { uri, text, tokens: tokensOf(text), declarations: reader.declarations, locals: reader.locals, byName, includes };
}

/** A type as one would write it in a cast: `struct iphdr *`. */
export function readType(text: string): CType | undefined {
  const reader = new Reader(() => true);
  const tokens = tokensOf(text);
  return reader.typeName(tokens, 0, tokens.length);
}

class Reader {
  readonly declarations: Declaration[] = [];
  readonly locals: Declaration[] = [];
  private tokens: readonly Token[] = [];
  private text = '';
  private at = 0;
  private depth = 0;
  private readonly typedefs = new Set<string>();

  constructor(private readonly isType: (name: string) => boolean) {}

  /** Takes the directives out, with their lines kept, and notes macros and includes. */
  directives(text: string): { code: string; includes: Include[] } {
    const includes: Include[] = [];
    const code = text.replace(/^[ \t]*#[ \t]*(\w*)(?:\\\r?\n|\/\*[^]*?\*\/|[^\n])*/gm, (whole: string, name: string, start: number) => {
      if (name === 'define') {
        const match = /^[ \t]*#[ \t]*define[ \t]+([A-Za-z_]\w*)(\([^)\n]*\))?/.exec(whole);
        if (match) {
          this.declarations.push({
            kind: 'macro',
            name: match[1]!,
            nameStart: start + match[0].length - (match[2]?.length ?? 0) - match[1]!.length,
            start,
            end: start + whole.length,
            type: UNKNOWN,
            value: whole
              .slice(match[0].length)
              .replace(/\\\r?\n/g, ' ')
              .replace(/\/\/.*$|\/\*[^]*?\*\//g, '')
              .trim(),
            ...(match[2] === undefined ? {} : { arguments: match[2] }),
          });
        }
      } else if (name === 'include') {
        const match = /([<"])([^>"\n]*)[>"]?/.exec(whole);
        if (match) {
          const from = start + match.index + 1;
          includes.push({ name: match[2]!, quoted: match[1] === '"', start: from, end: from + match[2]!.length });
        }
      }
      return whole.replace(/[^\r\n]/g, ' ');
    });
    return { code, includes };
  }

  read(tokens: readonly Token[], text: string): void {
    this.tokens = tokens;
    this.text = text;
    this.at = 0;
    while (this.at < tokens.length) {
      const before = this.at;
      this.topLevel();
      if (this.at === before) this.at++;
    }
  }

  typeName(tokens: readonly Token[], from: number, end: number): CType | undefined {
    this.tokens = tokens.slice(from, end);
    this.at = 0;
    const base = this.specifiers();
    return base && this.declarator(base.type).type;
  }

  private is(text: string): boolean {
    return this.tokens[this.at]?.text === text;
  }

  private topLevel(): void {
    const start = this.tokens[this.at]!.start;
    const base = this.specifiers();
    if (!base) return;
    for (;;) {
      const { name, type } = this.declarator(base.type);
      if (!name) break;
      let declared: Declaration = {
        kind: base.typedef ? 'typedef' : type.kind === 'function' ? 'function' : 'variable',
        name: name.text,
        nameStart: name.start,
        start,
        end: this.tokens[this.at - 1]?.end ?? name.end,
        type,
      };
      if (base.typedef) this.typedefs.add(name.text);
      if (declared.type.kind === 'function' && PROGRAM_MACROS[name.text] !== undefined) declared = this.ofMacro(declared, declared.type);
      if (declared.type.kind === 'function' && this.is('{')) {
        const open = this.tokens[this.at]!;
        const first = this.locals.length;
        if (declared.type.kind === 'function') this.locals.push(...declared.type.parameters.filter((one) => one.name !== ''));
        this.body();
        const end = this.tokens[this.at - 1]?.end ?? this.text.length;
        const scope = { start: declared.nameStart, end };
        for (let index = first; index < this.locals.length && this.locals[index]!.kind === 'parameter'; index++)
          this.locals[index] = { ...this.locals[index]!, scope };
        this.declarations.push({ ...declared, end, body: { start: open.start, end } });
        return;
      }
      this.skipInitializer();
      this.declarations.push({ ...declared, end: this.tokens[this.at]?.text === ';' ? this.tokens[this.at]!.end : declared.end });
      if (!this.is(',')) break;
      this.at++;
    }
    if (this.is(';')) this.at++;
  }

  /** `int BPF_PROG(name, struct file *file)` is a function called name. */
  private ofMacro(declared: Declaration, type: CType & { kind: 'function' }): Declaration {
    const [first, ...parameters] = type.parameters;
    if (!first) return declared;
    const context = readType(PROGRAM_MACROS[declared.name]!)!;
    const ctx: Declaration = {
      kind: 'parameter',
      name: 'ctx',
      nameStart: declared.nameStart,
      start: declared.nameStart,
      end: declared.nameStart,
      type: context,
    };
    const name = first.type.kind === 'name' ? first.type.name : first.name;
    return { ...declared, name, nameStart: first.start, type: { ...type, parameters: [ctx, ...parameters] } };
  }

  /** Undefined where no type begins here; nothing is taken then. */
  private specifiers(): { type: CType; typedef: boolean } | undefined {
    let typedef = false;
    let type: CType | undefined;
    let base = '';
    const start = this.at;
    for (;;) {
      const token = this.tokens[this.at];
      if (token?.kind !== 'word') break;
      const { text } = token;
      if (text === 'typedef') typedef = true;
      else if (QUALIFIERS.has(text)) {
        // Says nothing of the type.
      } else if (text === 'struct' || text === 'union' || text === 'enum') {
        if (type || base) break;
        this.at++;
        type = this.tag(text);
        continue;
      } else if (BASES.has(text)) {
        if (type) break;
        base += base ? ` ${text}` : text;
      } else if (text === 'typeof' || text === '__typeof__') {
        this.at = behindBracket(this.tokens, this.at + 1);
        type = UNKNOWN;
        continue;
      } else if (!type && !base && !KEYWORDS.has(text)) type = { kind: 'name', name: text };
      else break;
      this.at++;
    }
    if (!type && !base) {
      this.at = start;
      return undefined;
    }
    return { type: type ?? { kind: 'name', name: base }, typedef };
  }

  /** Behind struct, union or enum. */
  private tag(keyword: Keyword): CType {
    const start = this.tokens[this.at - 1]!.start;
    let name: Token | undefined;
    if (this.tokens[this.at]?.kind === 'word') name = this.tokens[this.at++];
    if (keyword === 'enum' && this.is(':')) while (this.at < this.tokens.length && !this.is('{') && !this.is(';')) this.at++;
    if (!this.is('{')) return { kind: 'tag', keyword, name: name?.text ?? '' };
    if (++this.depth > MAX_DEPTH) {
      this.at = behindBracket(this.tokens, this.at);
      this.depth--;
      return UNKNOWN;
    }
    this.at++;
    const members = keyword === 'enum' ? this.enumerators() : this.members();
    this.depth--;
    if (this.is('}')) this.at++;
    const type: CType = { kind: 'composite', composite: { keyword, name: name?.text ?? '', members } };
    if (name)
      this.declarations.push({ kind: 'tag', name: name.text, nameStart: name.start, start, end: this.tokens[this.at - 1]!.end, type });
    if (keyword === 'enum') {
      const of: CType = name ? { kind: 'tag', keyword, name: name.text } : type;
      this.declarations.push(...members.map((one) => ({ ...one, type: of })));
    }
    return type;
  }

  private members(): Declaration[] {
    const members: Declaration[] = [];
    while (this.at < this.tokens.length && !this.is('}')) {
      const begin = this.at;
      const start = this.tokens[this.at]!.start;
      const base = this.specifiers();
      if (base) {
        for (;;) {
          const { name, type } = this.declarator(base.type);
          let bits: string | undefined;
          if (this.is(':')) bits = this.tokens[(this.at += 2) - 1]?.text;
          if (name || (type.kind === 'composite' && bits === undefined))
            members.push({
              kind: 'member',
              name: name?.text ?? '',
              nameStart: name?.start ?? start,
              start,
              end: this.tokens[this.at - 1]!.end,
              type,
              ...(bits === undefined ? {} : { bits }),
            });
          if (!this.is(',')) break;
          this.at++;
        }
        while (this.at < this.tokens.length && !this.is(';') && !this.is('}') && !this.startsType()) this.at++;
      }
      if (this.is(';')) this.at++;
      if (this.at === begin) this.at++;
    }
    return members;
  }

  private startsType(): boolean {
    const { text } = this.tokens[this.at]!;
    return text === 'struct' || text === 'union' || text === 'enum' || BASES.has(text) || QUALIFIERS.has(text);
  }

  private enumerators(): Declaration[] {
    const found: Declaration[] = [];
    let previous = '';
    while (this.at < this.tokens.length && !this.is('}')) {
      const name = this.tokens[this.at++]!;
      if (name.kind !== 'word') continue;
      let value = previous === '' ? '0' : /^-?\d+$/.test(previous) ? String(BigInt(previous) + 1n) : `${previous} + 1`;
      if (this.is('=')) {
        const from = this.at + 1;
        this.skipInitializer();
        value = this.text.slice(this.tokens[from]?.start ?? 0, this.tokens[this.at - 1]?.end ?? 0).trim();
      }
      previous = value;
      found.push({ kind: 'enumerator', name: name.text, nameStart: name.start, start: name.start, end: name.end, type: UNKNOWN, value });
    }
    return found;
  }

  /** Pointers, the name, and what stands behind it: `*(*name)[4]`. */
  private declarator(base: CType): { name?: Token; type: CType } {
    let type = base;
    while (this.is('*') || QUALIFIERS.has(this.tokens[this.at]?.text ?? '')) {
      if (this.is('*')) type = { kind: 'pointer', to: type };
      this.at++;
    }
    let name: Token | undefined;
    let inner: { from: number; end: number } | undefined;
    if (this.is('(') && ['*', '('].includes(this.tokens[this.at + 1]?.text ?? '') && this.depth < MAX_DEPTH) {
      const end = behindBracket(this.tokens, this.at);
      inner = { from: this.at + 1, end: end - 1 };
      this.at = end;
    } else if (this.tokens[this.at]?.kind === 'word' && !KEYWORDS.has(this.tokens[this.at]!.text)) name = this.tokens[this.at++];
    const counts: string[] = [];
    while (this.is('[') || (this.is('(') && counts.length === 0)) {
      const open = this.at;
      if (this.is('(')) {
        this.at++;
        type = { kind: 'function', returns: type, parameters: this.parameters() };
        break;
      }
      this.at = behindBracket(this.tokens, open);
      counts.push(this.text.slice(this.tokens[open]!.end, this.tokens[this.at - 1]?.start ?? this.tokens[open]!.end).trim());
    }
    for (const count of counts.reverse()) type = { kind: 'array', of: type, count };
    if (!inner) return { ...(name ? { name } : {}), type };
    const behind = this.at;
    this.depth++;
    this.at = inner.from;
    const found = this.declarator(type);
    this.depth--;
    this.at = behind;
    return found;
  }

  private parameters(): Declaration[] {
    const found: Declaration[] = [];
    while (this.at < this.tokens.length && !this.is(')') && !this.is('{') && !this.is(';')) {
      const start = this.tokens[this.at]!.start;
      const base = this.specifiers();
      if (base) {
        const { name, type } = this.declarator(base.type);
        found.push({
          kind: 'parameter',
          name: name?.text ?? '',
          nameStart: name?.start ?? start,
          start,
          end: this.tokens[this.at - 1]!.end,
          type,
        });
      }
      while (this.at < this.tokens.length && !this.is(',') && !this.is(')') && !this.is('{') && !this.is(';')) this.at++;
      if (this.is(',')) this.at++;
    }
    if (this.is(')')) this.at++;
    return found;
  }

  /** To the comma or semicolon behind an initializer; over nothing else. */
  private skipInitializer(): void {
    while (this.at < this.tokens.length && !this.is(',') && !this.is(';') && !this.is('}') && !this.is(')')) {
      if (this.is('(') || this.is('[') || this.is('{')) this.at = behindBracket(this.tokens, this.at);
      else this.at++;
    }
  }

  /** From the brace that opens to behind the one that closes. A closing brace in the first column ends the function in any case. */
  private body(): void {
    const open: number[] = [];
    const close = (end: number): void => {
      const from = open.pop()!;
      for (let index = from; index < this.locals.length; index++) {
        const local = this.locals[index]!;
        if (local.scope?.end === Infinity) this.locals[index] = { ...local, scope: { start: local.scope.start, end } };
      }
    };
    while (this.at < this.tokens.length) {
      const token = this.tokens[this.at]!;
      if (token.text === '{') {
        open.push(this.locals.length);
        this.at++;
      } else if (token.text === '}') {
        const whole = token.start === 0 || this.text[token.start - 1] === '\n';
        do close(token.end);
        while (whole && open.length > 0);
        this.at++;
        if (open.length === 0) return;
      } else if (token.kind === 'word' && this.startsLocal()) this.local();
      else this.at++;
    }
    while (open.length > 0) close(this.text.length);
  }

  private startsLocal(): boolean {
    const before = this.tokens[this.at - 1];
    const { text } = this.tokens[this.at]!;
    const inFor = before?.text === '(' && this.tokens[this.at - 2]?.text === 'for';
    if (before && !inFor && ['(', ',', '='].includes(before.text)) return false;
    if (text === 'typedef' || this.startsType()) return true;
    if (!inFor && before && ![';', '{', '}', ':', ')'].includes(before.text)) return false;
    if (KEYWORDS.has(text)) return false;
    let next = this.at + 1;
    const stars = this.tokens[next]?.text === '*';
    while (this.tokens[next]?.text === '*') next++;
    const name = this.tokens[next];
    if (name?.kind !== 'word' || KEYWORDS.has(name.text)) return false;
    const behind = this.tokens[next + 1]?.text;
    if (behind !== undefined && !['=', ';', ',', '['].includes(behind)) return false;
    // `a * b;` multiplies, unless a is known to be a type.
    return !stars || this.typedefs.has(text) || /_t$|^__(?:u|s|be|le)\d+$|^[us]\d+$/.test(text) || this.isType(text);
  }

  private local(): void {
    const start = this.tokens[this.at]!.start;
    const base = this.specifiers();
    if (!base) {
      this.at++;
      return;
    }
    for (;;) {
      const { name, type } = this.declarator(base.type);
      if (!name) break;
      // Known from its own initializer on, as C has it.
      this.locals.push({
        kind: base.typedef ? 'typedef' : 'variable',
        name: name.text,
        nameStart: name.start,
        start,
        end: this.tokens[this.at - 1]!.end,
        type,
        scope: { start: name.start, end: Infinity },
      });
      this.skipInitializer();
      if (!this.is(',')) break;
      this.at++;
    }
  }
}
