// What names and expressions of a C text mean: the text's own declarations first, then those of the project's headers, then the target
// kernel's types. Answers on texts that are being typed: an expression is read backwards from the cursor, token by token.

import { type Btf, resolve, sizeOf, typeName } from '#core/btf';
import { helperByName, kfuncByName } from '#core/catalog';
import type { CFile, Composite, CType, Declaration } from './declarations.ts';
import { readType } from './declarations.ts';
import { kernelEnumerator } from './kernel-types.ts';
import { behindBracket, openingBracket, type Token, tokenBefore, tokensOf } from './tokens.ts';

/** A declaration and the file it stands in. */
export interface Place {
  file: CFile;
  declaration: Declaration;
}

export interface Member {
  name: string;
  type: CType;
  /** Bits from the start of the outermost struct; undefined where a size on the way is unknown. */
  offset?: number;
  bits?: string;
  /** Of the user's own structs. */
  place?: Place;
  /** Of the kernel's: the struct that has it, or the one around an anonymous one. */
  of?: string;
}

/** What a name stands for. */
export type Meaning = { kind: 'declared'; place: Place } | { kind: 'kernel-enumerator'; name: string; value: bigint; id: number };

const MAX_STEPS = 64;
const SIZES: Readonly<Record<string, number>> = {
  void: 1,
  char: 1,
  'signed char': 1,
  'unsigned char': 1,
  bool: 1,
  _Bool: 1,
  short: 2,
  'short int': 2,
  'unsigned short': 2,
  'unsigned short int': 2,
  int: 4,
  unsigned: 4,
  'unsigned int': 4,
  signed: 4,
  'signed int': 4,
  float: 4,
  long: 8,
  'long int': 8,
  'unsigned long': 8,
  'unsigned long int': 8,
  'long unsigned int': 8,
  'long long': 8,
  'long long int': 8,
  'unsigned long long': 8,
  'unsigned long long int': 8,
  'long long unsigned int': 8,
  double: 8,
  __int128: 16,
  __u8: 1,
  __s8: 1,
  u8: 1,
  s8: 1,
  uint8_t: 1,
  int8_t: 1,
  __u16: 2,
  __s16: 2,
  u16: 2,
  s16: 2,
  __be16: 2,
  __le16: 2,
  uint16_t: 2,
  int16_t: 2,
  __u32: 4,
  __s32: 4,
  u32: 4,
  s32: 4,
  __be32: 4,
  __le32: 4,
  __wsum: 4,
  uint32_t: 4,
  int32_t: 4,
  __u64: 8,
  __s64: 8,
  u64: 8,
  s64: 8,
  __be64: 8,
  __le64: 8,
  uint64_t: 8,
  int64_t: 8,
  size_t: 8,
  ssize_t: 8,
  uintptr_t: 8,
};
const INT: CType = { kind: 'name', name: 'int' };
const NOT_CALLS = new Set(['if', 'while', 'for', 'switch', 'return', 'sizeof', 'case', 'else', 'do', 'goto']);
/** The macros whose arguments behind the first one are a path of members. */
const READS: Readonly<Record<string, number>> = {
  BPF_CORE_READ: 0,
  BPF_PROBE_READ: 0,
  BPF_CORE_READ_USER: 0,
  BPF_PROBE_READ_USER: 0,
  BPF_CORE_READ_INTO: 1,
  BPF_CORE_READ_STR_INTO: 1,
  BPF_PROBE_READ_INTO: 1,
  BPF_PROBE_READ_STR_INTO: 1,
  BPF_CORE_READ_USER_INTO: 1,
};

export class CIndex {
  private byStart: ReadonlyMap<number, Declaration> | undefined;

  constructor(
    readonly file: CFile,
    readonly headers: readonly CFile[],
    readonly btf: Btf | undefined,
  ) {}

  // ---- names

  /** Innermost first. */
  localsAt(offset: number): Declaration[] {
    return this.file.locals
      .filter(({ scope, nameStart }) => scope && scope.start <= offset && offset <= scope.end && nameStart < offset)
      .sort((a, b) => b.nameStart - a.nameStart);
  }

  meaning(name: string, offset: number): Meaning | undefined {
    const local = this.file.locals
      .filter((one) => one.name === name && one.scope && one.scope.start <= offset && offset <= one.scope.end)
      .sort((a, b) => b.nameStart - a.nameStart)[0];
    if (local) return { kind: 'declared', place: { file: this.file, declaration: local } };
    const place = this.declared(name);
    if (place) return { kind: 'declared', place };
    const enumerator = this.btf && kernelEnumerator(this.btf, name);
    return enumerator && { kind: 'kernel-enumerator', name, value: enumerator.value!, id: enumerator.id };
  }

  /** The function whose body is around a place. */
  functionAt(offset: number): Declaration | undefined {
    return this.file.declarations.find(({ body }) => body && body.start < offset && offset <= body.end - 1);
  }

  /** Of a file; a tag with its keyword. */
  declared(name: string): Place | undefined {
    for (const file of [this.file, ...this.headers]) {
      const declaration = file.byName.get(name);
      if (declaration) return { file, declaration };
    }
    return undefined;
  }

  // ---- types

  /** A struct, union, pointer, array, function or base type: what stands behind names. */
  strip(type: CType, steps = 0): CType {
    if (steps > MAX_STEPS) return INT;
    switch (type.kind) {
      case 'name': {
        const place = this.declared(type.name);
        if (place?.declaration.kind === 'typedef') return this.strip(place.declaration.type, steps + 1);
        if (SIZES[type.name] !== undefined) return type;
        const id = this.btf?.find(type.name, 'typedef');
        return id === undefined ? type : this.strip({ kind: 'btf', id }, steps + 1);
      }
      case 'tag': {
        const place = this.declared(`${type.keyword} ${type.name}`);
        if (place) return place.declaration.type;
        const id = this.btf?.find(type.name, type.keyword) ?? (type.keyword === 'enum' ? this.btf?.find(type.name, 'enum64') : undefined);
        return id === undefined ? type : { kind: 'btf', id };
      }
      case 'btf': {
        const found = this.btf && resolve(this.btf, type.id);
        if (!found) return type;
        switch (found.kind) {
          case 'ptr':
            return { kind: 'pointer', to: { kind: 'btf', id: found.type } };
          case 'array':
            return { kind: 'array', of: { kind: 'btf', id: found.type }, count: String(found.count) };
          case 'func_proto':
            return { kind: 'function', returns: { kind: 'btf', id: found.type }, parameters: [] };
          case 'fwd': {
            const id = this.btf.find(found.name, found.of);
            return { kind: 'btf', id: id ?? found.id };
          }
          default:
            return { kind: 'btf', id: found.id };
        }
      }
      default:
        return type;
    }
  }

  /** Members of a struct or union, those of anonymous ones inside it too. */
  members(type: CType, base: number | undefined = 0, steps = 0): Member[] {
    const found = this.strip(type);
    if (steps > 8) return [];
    if (found.kind === 'composite' && found.composite.keyword !== 'enum') {
      const file = [this.file, ...this.headers].find((one) => one.declarations.some(({ type: own }) => own === found)) ?? this.file;
      const offsets = this.layout(found.composite).offsets;
      return found.composite.members.flatMap((member, index) => {
        const own = offsets[index];
        const offset = base === undefined || own === undefined ? undefined : base + own;
        if (member.name === '') return this.members(member.type, offset, steps + 1);
        return [
          {
            name: member.name,
            type: member.type,
            place: { file, declaration: member },
            ...(offset === undefined ? {} : { offset }),
            ...(member.bits === undefined ? {} : { bits: member.bits }),
          },
        ];
      });
    }
    if (found.kind !== 'btf') return [];
    const composite = this.btf?.type(found.id);
    if (composite?.kind !== 'struct' && composite?.kind !== 'union') return [];
    return composite.members.flatMap((member) => {
      const offset = base === undefined ? undefined : base + member.bitOffset;
      const inner: CType = { kind: 'btf', id: member.type };
      if (member.name === '')
        return this.members(inner, offset, steps + 1).map((one) => ({ ...one, of: composite.name || (one.of ?? '') }));
      return [
        {
          name: member.name,
          type: inner,
          of: composite.name,
          ...(offset === undefined ? {} : { offset }),
          ...(member.bitSize > 0 ? { bits: String(member.bitSize) } : {}),
        },
      ];
    });
  }

  /** Bytes; undefined where the type is not known. */
  size(type: CType, steps = 0): number | undefined {
    if (steps > 16) return undefined;
    const found = this.strip(type);
    switch (found.kind) {
      case 'name':
        return SIZES[found.name];
      case 'pointer':
        return 8;
      case 'array': {
        const count = this.number(found.count);
        const one = this.size(found.of, steps + 1);
        return count === undefined || one === undefined ? undefined : Number(count) * one;
      }
      case 'composite':
        return found.composite.keyword === 'enum' ? 4 : this.layout(found.composite, steps).size;
      case 'btf':
        return this.btf && sizeOf(this.btf, found.id);
      default:
        return undefined;
    }
  }

  private align(type: CType, steps: number): number {
    const found = this.strip(type);
    if (found.kind === 'array') return this.align(found.of, steps);
    if (found.kind === 'composite' && found.composite.keyword !== 'enum')
      return Math.max(1, ...found.composite.members.map((one) => (steps > 16 ? 1 : this.align(one.type, steps + 1))));
    const size = found.kind === 'btf' && this.btf ? this.btfAlign(found.id) : this.size(found, steps + 1);
    return Math.min(8, size ?? 1) || 1;
  }

  private btfAlign(id: number): number {
    const type = this.btf && resolve(this.btf, id);
    if (type?.kind === 'struct' || type?.kind === 'union')
      return Math.max(1, ...type.members.map((one) => this.align({ kind: 'btf', id: one.type }, 17)));
    return (this.btf && sizeOf(this.btf, id)) ?? 1;
  }

  /** Offsets in bits, by the rules of the BPF target. Bit fields end it: where they lie is not said. */
  layout({ keyword, members }: Composite, steps = 0): { offsets: (number | undefined)[]; size: number | undefined } {
    const offsets: (number | undefined)[] = [];
    let at: number | undefined = 0;
    let largest = 1;
    let widest = 0;
    for (const member of members) {
      const size: number | undefined = this.size(member.type, steps + 1);
      const align = this.align(member.type, steps + 1);
      largest = Math.max(largest, align);
      if (member.bits !== undefined || at === undefined) {
        at = undefined;
        offsets.push(undefined);
        continue;
      }
      if (keyword === 'union') {
        offsets.push(0);
        widest = size === undefined || Number.isNaN(widest) ? NaN : Math.max(widest, size);
        continue;
      }
      at = Math.ceil(at / align) * align;
      offsets.push(at * 8);
      at = size === undefined ? undefined : at + size;
    }
    const bytes = keyword === 'union' ? widest : at;
    return { offsets, size: bytes === undefined || Number.isNaN(bytes) ? undefined : Math.ceil(bytes / largest) * largest };
  }

  /** The value of a number, a macro or an enumerator; undefined for anything that must be computed. */
  number(text: string, steps = 0): bigint | undefined {
    const bare = text
      .trim()
      .replace(/^\(\s*([^()]*)\s*\)$/, '$1')
      .trim();
    const literal = /^(-?)\s*(0[xX][\da-fA-F]+|0[bB][01]+|\d+)[uUlL]*$/.exec(bare);
    if (literal) {
      const digits = literal[2]!;
      const value = BigInt(/^0[0-7]+$/.test(digits) ? `0o${digits.slice(1)}` : digits);
      return literal[1] ? -value : value;
    }
    const two = /^(.+?)\s*(<<|\+|\*)\s*([\w]+)$/.exec(bare);
    if (two && steps < 8) {
      const left = this.number(two[1]!, steps + 1);
      const right = this.number(two[3]!, steps + 1);
      if (left === undefined || right === undefined || right > 64n)
        return two[2] !== '<<' && left !== undefined && right !== undefined ? (two[2] === '+' ? left + right : left * right) : undefined;
      return two[2] === '<<' ? left << right : two[2] === '+' ? left + right : left * right;
    }
    if (!/^[A-Za-z_]\w*$/.test(bare) || steps > 8) return undefined;
    const place = this.declared(bare);
    if (place) {
      const { kind, value } = place.declaration;
      return (kind === 'macro' || kind === 'enumerator') && value !== undefined ? this.number(value, steps + 1) : undefined;
    }
    return this.btf && kernelEnumerator(this.btf, bare)?.value;
  }

  // ---- expressions

  /** The type of what stands in front of a `.` or `->` that ends before `offset`; and the operator. */
  accessAt(offset: number): { type: CType; arrow: boolean } | undefined {
    const { tokens } = this.file;
    let at = tokenBefore(tokens, offset);
    // The member that is being typed.
    if (tokens[at]?.kind === 'word') at--;
    const operator = tokens[at]?.text;
    if (operator !== '.' && operator !== '->') return undefined;
    const from = this.chainStart(at - 1);
    const type = from < 0 ? undefined : this.typeOf(tokens, from, at, offset);
    return type && { type, arrow: operator === '->' };
  }

  /** Whether a place lies in a comment or between quotes. */
  isText(offset: number): boolean {
    const { tokens, text } = this.file;
    const last = tokens[tokenBefore(tokens, offset)];
    if (last?.kind === 'text' && offset < last.end) return true;
    const gap = text.slice(last?.end ?? 0, offset);
    return /\/\/[^\n]*$/.test(gap) || gap.lastIndexOf('/*') > gap.lastIndexOf('*/');
  }

  /** The struct whose members may be named at a place: behind `.` and `->`, and in the paths of BPF_CORE_READ. */
  structAt(offset: number): CType | undefined {
    const access = this.accessAt(offset);
    if (access) return this.pointed(access.type);
    return this.pathAt(offset) ?? this.designatorAt(offset);
  }

  /** In `BPF_CORE_READ(task, real_parent, tg…`. */
  private pathAt(offset: number): CType | undefined {
    const { tokens } = this.file;
    let at = tokenBefore(tokens, offset);
    if (tokens[at]?.kind === 'word') at--;
    if (tokens[at]?.text !== ',') return undefined;
    const commas: number[] = [];
    for (; at >= 0; at--) {
      const { text } = tokens[at]!;
      if (text === ')' || text === ']') at = openingBracket(tokens, at);
      else if (text === ',') commas.unshift(at);
      else if (text === ';' || text === '{' || text === '}') return undefined;
      else if (text === '(') break;
    }
    const source = READS[tokens[at - 1]?.text ?? ''];
    if (source === undefined || commas.length <= source) return undefined;
    const starts = [at, ...commas];
    const type = this.typeOf(tokens, starts[source]! + 1, starts[source + 1]!, offset);
    let found = type && this.pointed(type);
    for (let index = source + 1; index < starts.length - 1 && found; index++) {
      found = this.walk(found, tokens.slice(starts[index]! + 1, starts[index + 1]));
      found = found && this.pointed(found);
    }
    return found;
  }

  /** `{ .member` in the initializer of a local or global struct. */
  private designatorAt(offset: number): CType | undefined {
    const { tokens } = this.file;
    let at = tokenBefore(tokens, offset);
    if (tokens[at]?.kind === 'word') at--;
    if (tokens[at]?.text !== '.' || !['{', ','].includes(tokens[at - 1]?.text ?? '')) return undefined;
    for (at--; at >= 0; at--) {
      const { text } = tokens[at]!;
      if (text === ')' || text === ']' || text === '}') at = openingBracket(tokens, at);
      else if (text === ';') return undefined;
      else if (text === '{') break;
    }
    if (tokens[at - 1]?.text !== '=') return undefined;
    const name = tokens[at - 2];
    const meaning = name && this.meaning(name.text, name.end);
    return meaning?.kind === 'declared' ? meaning.place.declaration.type : undefined;
  }

  private walk(type: CType, path: readonly Token[]): CType | undefined {
    let found: CType | undefined = type;
    for (let at = 0; at < path.length && found; at++) {
      const { kind, text } = path[at]!;
      if (kind === 'word') found = this.members(this.pointed(found)).find(({ name }) => name === text)?.type;
      else if (text === '[') {
        at = behindBracket(path, at) - 1;
        found = this.element(found);
      }
    }
    return found;
  }

  /** What a pointer points to or an array consists of; the type itself otherwise. */
  pointed(type: CType): CType {
    const found = this.strip(type);
    return found.kind === 'pointer' ? found.to : found.kind === 'array' ? found.of : type;
  }

  private element(type: CType): CType {
    return this.pointed(type);
  }

  /** Where the postfix expression begins that ends with the token at `end`. */
  private chainStart(end: number): number {
    const { tokens } = this.file;
    let at = end;
    for (let steps = 0; at >= 0 && steps < 200; steps++) {
      const token = tokens[at]!;
      if (token.text === ']' || token.text === ')') {
        at = openingBracket(tokens, at);
        if (at < 0) return -1;
        const before = tokens[at - 1];
        const continues =
          before &&
          (token.text === ']'
            ? before.kind === 'word' || before.text === ')' || before.text === ']'
            : (before.kind === 'word' && !NOT_CALLS.has(before.text)) || before.text === ']');
        if (continues) {
          at--;
          continue;
        }
        return at;
      }
      if (token.kind !== 'word') return -1;
      if (tokens[at - 1]?.text !== '.' && tokens[at - 1]?.text !== '->') return at;
      at -= 2;
    }
    return -1;
  }

  /** The type of an expression between two tokens. */
  typeOf(tokens: readonly Token[], from: number, end: number, offset: number, steps = 0): CType | undefined {
    if (from >= end || steps > 24) return undefined;
    const first = tokens[from]!;
    if (first.kind === 'sign') {
      switch (first.text) {
        case '&': {
          const type = this.typeOf(tokens, from + 1, end, offset, steps + 1);
          return type && { kind: 'pointer', to: type };
        }
        case '*': {
          const type = this.typeOf(tokens, from + 1, end, offset, steps + 1);
          return type && this.pointed(type);
        }
        case '(': {
          const behind = behindBracket(tokens, from, end);
          const cast = this.typeIn(tokens.slice(from + 1, behind - 1));
          if (cast && behind < end && !['.', '->', '['].includes(tokens[behind]!.text)) return cast;
          if (cast && tokens[behind]?.text !== '.') return cast;
          const inner = this.typeOf(tokens, from + 1, behind - 1, offset, steps + 1);
          return inner && this.postfix(inner, tokens, behind, end, offset, steps);
        }
        default:
          return this.typeOf(tokens, from + 1, end, offset, steps + 1);
      }
    }
    if (first.kind === 'number') return INT;
    if (first.kind === 'text') return { kind: 'pointer', to: { kind: 'name', name: 'char' } };
    if (tokens[from + 1]?.text === '(' && from + 1 < end) {
      const behind = behindBracket(tokens, from + 1, end);
      const returned = this.called(first.text, tokens, from + 1, behind, offset, steps);
      return returned && this.postfix(returned, tokens, behind, end, offset, steps);
    }
    const meaning = this.meaning(first.text, offset);
    if (meaning?.kind !== 'declared') return meaning ? INT : undefined;
    const { declaration } = meaning.place;
    if (declaration.kind === 'macro') {
      const expansion = tokensOf(declaration.value ?? '');
      const type = this.typeOf(expansion, 0, expansion.length, offset, steps + 4);
      return type && this.postfix(type, tokens, from + 1, end, offset, steps);
    }
    return this.postfix(declaration.type, tokens, from + 1, end, offset, steps);
  }

  private postfix(type: CType, tokens: readonly Token[], from: number, end: number, offset: number, steps: number): CType | undefined {
    let found: CType | undefined = type;
    for (let at = from; at < end && found; at++) {
      const { text } = tokens[at]!;
      if (text === '.' || text === '->') found = this.members(this.pointed(found)).find(({ name }) => name === tokens[at + 1]?.text)?.type;
      else if (text === '[') found = this.element(found);
      else if (text === '(') {
        const callee: CType = this.strip(this.pointed(found));
        found = callee.kind === 'function' ? callee.returns : undefined;
      } else if (text === '+' || text === '-') {
        // A pointer and a number give a pointer of the same type.
        if (this.isPointer(found)) return found;
        return this.typeOf(tokens, at + 1, end, offset, steps + 1) ?? found;
      } else return found;
      at = text === '.' || text === '->' ? at + 1 : behindBracket(tokens, at, end) - 1;
    }
    return found;
  }

  private isPointer(type: CType): boolean {
    const { kind } = this.strip(type);
    return kind === 'pointer' || kind === 'array';
  }

  private called(name: string, tokens: readonly Token[], open: number, behind: number, offset: number, steps: number): CType | undefined {
    if (name in READS) {
      const parts: Token[][] = [[]];
      for (let at = open + 1; at < behind - 1; at++) {
        if (tokens[at]!.text === ',') parts.push([]);
        else if (tokens[at]!.text === '(' || tokens[at]!.text === '[') {
          const close = behindBracket(tokens, at, behind);
          parts.at(-1)!.push(...tokens.slice(at, close));
          at = close - 1;
        } else parts.at(-1)!.push(tokens[at]!);
      }
      let type = this.typeOf(parts[0]!, 0, parts[0]!.length, offset, steps + 1);
      for (const part of parts.slice(1)) type = type && this.walk(this.pointed(type), part);
      return type;
    }
    const place = this.declared(name);
    if (place?.declaration.type.kind === 'function') return place.declaration.type.returns;
    if (place?.declaration.kind === 'macro') {
      const expansion = tokensOf(place.declaration.value ?? '');
      return this.typeOf(expansion, 0, expansion.length, offset, steps + 4);
    }
    const returns = helperByName(name)?.returnType ?? kfuncByName(name)?.returnType;
    if (returns !== undefined) return readType(returns);
    const meaning = this.meaning(name, offset);
    if (meaning?.kind === 'declared') {
      const callee = this.strip(this.pointed(meaning.place.declaration.type));
      return callee.kind === 'function' ? callee.returns : undefined;
    }
    const id = this.btf?.find(name, 'func');
    const func = id === undefined ? undefined : this.btf?.type(id);
    const proto = func?.kind === 'func' ? this.btf?.type(func.type) : undefined;
    return proto?.kind === 'func_proto' ? { kind: 'btf', id: proto.type } : undefined;
  }

  /** `struct x *` in the brackets of a cast; undefined where they hold an expression. */
  private typeIn(tokens: readonly Token[]): CType | undefined {
    const text = tokens.map((one) => one.text).join(' ');
    if (
      !/^(?:const |volatile )*(?:(?:struct|union|enum) \w+|[A-Za-z_]\w*(?: (?:int|long|char|short))*)(?: const| volatile)*(?: \*)*$/.test(
        text,
      )
    )
      return undefined;
    if (
      !/^(?:const |volatile )*(?:struct|union|enum) /.test(text) &&
      !text.endsWith('*') &&
      !this.isTypeName(text.replace(/^(?:const |volatile )*/, ''))
    )
      return undefined;
    return readType(text);
  }

  isTypeName(name: string): boolean {
    return (
      SIZES[name] !== undefined || this.declared(name)?.declaration.kind === 'typedef' || this.btf?.find(name, 'typedef') !== undefined
    );
  }

  // ---- what stands at a place

  /** The declaration of the word at an offset, by scope, or by the struct whose member it is. */
  placeOf(word: { name: string; start: number; end: number }): Place | Member | Meaning | undefined {
    const { tokens } = this.file;
    const index = tokenBefore(tokens, word.start + 1);
    const before = tokens[index - 1]?.text ?? '';
    const own = this.declarationAt(word.start);
    if (own) return { file: this.file, declaration: own };
    if (before === 'struct' || before === 'union' || before === 'enum') return this.declared(`${before} ${word.name}`);
    const struct = this.structAt(word.end);
    if (struct) return this.members(struct).find(({ name }) => name === word.name);
    return this.meaning(word.name, word.start);
  }

  /** The declaration whose name begins here. */
  declarationAt(start: number): Declaration | undefined {
    return (this.byStart ??= declarationsByStart(this.file)).get(start);
  }

  /** Every place in this file that names the same declaration. */
  references(target: Place): { start: number; end: number }[] {
    const found: { start: number; end: number }[] = [];
    for (const { kind, text, start, end } of this.file.tokens) {
      if (kind !== 'word' || text !== target.declaration.name) continue;
      const place = placeIn(this.placeOf({ name: text, start, end }));
      if (place && place.file.uri === target.file.uri && place.declaration.nameStart === target.declaration.nameStart)
        found.push({ start, end });
    }
    return found;
  }

  /** A type as people write it, with the name where C has it: `char comm[16]`. */
  show(type: CType, name = ''): string {
    const join = (base: string, inner: string): string => (inner === '' ? base : `${base} ${inner}`);
    switch (type.kind) {
      case 'name':
        return join(type.name, name);
      case 'tag':
        return join(`${type.keyword} ${type.name}`, name);
      case 'composite':
        return join(`${type.composite.keyword} ${type.composite.name || '{…}'}`, name);
      case 'pointer': {
        const inner = type.to.kind === 'function' || type.to.kind === 'array' ? `(*${name})` : `*${name}`;
        return this.show(type.to, inner);
      }
      case 'array':
        return this.show(type.of, `${name}[${type.count}]`).replace(/ \[/, '[');
      case 'function':
        return `${this.show(type.returns, `${name}(`)}${type.parameters.map((one) => this.show(one.type, one.name)).join(', ')})`;
      case 'btf': {
        const array = this.btf && resolve(this.btf, type.id);
        if (name !== '' && this.btf && array?.kind === 'array' && this.btf.kind(type.id) === 'array')
          return this.show({ kind: 'array', of: { kind: 'btf', id: array.type }, count: String(array.count) }, name);
        const text = this.btf ? typeName(this.btf, type.id) : 'void';
        return name === ''
          ? text
          : text.endsWith('*')
            ? `${text}${name}`
            : text.includes('(*)')
              ? text.replace('(*)', `(*${name})`)
              : `${text} ${name}`;
      }
    }
  }
}

/** By where their names begin: what the file declares, its locals, and the members of all its structs. */
function declarationsByStart(file: CFile): ReadonlyMap<number, Declaration> {
  const found = new Map<number, Declaration>();
  const add = (one: Declaration): void => {
    if (one.name !== '' && !found.has(one.nameStart)) found.set(one.nameStart, one);
  };
  const membersOf = (type: CType, steps: number): void => {
    if (steps > 16) return;
    if (type.kind === 'pointer') return membersOf(type.to, steps + 1);
    if (type.kind === 'array') return membersOf(type.of, steps + 1);
    if (type.kind !== 'composite' || type.composite.keyword === 'enum') return;
    for (const member of type.composite.members) {
      add(member);
      membersOf(member.type, steps + 1);
    }
  };
  for (const one of [...file.declarations, ...file.locals]) add(one);
  for (const { type } of [...file.declarations, ...file.locals]) membersOf(type, 0);
  return found;
}

/** The declaration of the user's own, where it is one. */
export function placeIn(found: Place | Member | Meaning | undefined): Place | undefined {
  if (!found) return undefined;
  if ('declaration' in found) return found;
  if ('kind' in found) return found.kind === 'declared' ? found.place : undefined;
  return found.place;
}
