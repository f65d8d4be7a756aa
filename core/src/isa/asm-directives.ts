// Directives: LLVM's own (`.section`, `.globl`, `.long`, `.asciz`, …) and two of ours, `.map` and `.license`.
// They speak to the assembler through DirectiveTarget; docs/assembly.md lists them.

import { AsmError, type Token } from './asm-lexer.ts';
import type { Cursor } from './asm-cursor.ts';
import type { Expression } from './asm-section.ts';
import type { Insn } from './encoding.ts';

/** A map as `.map` declares it. */
export interface AssembledMap {
  name: string;
  /** The kernel's name without BPF_MAP_TYPE_, lower case: `hash`. */
  type: string;
  keySize: number;
  valueSize: number;
  maxEntries: number;
  flags: number;
  mapExtra?: bigint;
  pinned?: boolean;
  line: number;
  column: number;
  endColumn: number;
  /** Where the type's word stands, for a message about it. */
  typeSpan?: { column: number; endColumn: number };
}

/** What directives do to the file being assembled. */
export interface DirectiveTarget {
  section(name: string, flags: string | undefined, type: string | undefined): void;
  pushSection(): void;
  popSection(): void;
  bytes(bytes: Uint8Array): void;
  value(size: 1 | 2 | 4 | 8, expression: Expression): void;
  leb(signed: boolean, expression: Expression): void;
  align(to: number): void;
  insn(insn: Insn): void;
  binding(name: Token, binding: 'local' | 'global' | 'weak'): void;
  hidden(name: Token): void;
  extern(name: Token): void;
  symbolType(name: Token, kind: 'func' | 'object'): void;
  symbolSize(name: Token, size: Expression): void;
  common(name: Token, size: number, alignment: number): void;
  assign(name: Token, value: Expression): void;
  map(map: Omit<AssembledMap, 'line'>): void;
  license(text: string): void;
}

/** Nothing a program needs: information for tools that do not read our output. */
const IGNORED = new Set([
  '.file',
  '.loc',
  '.ident',
  '.addrsig',
  '.addrsig_sym',
  '.internal',
  '.protected',
  '.p2alignl',
  '.cg_profile',
  '.lto_discard',
  '.build_version',
  '.cfi_sections',
  '.no_dead_strip',
  '.att_syntax',
  '.intel_syntax',
  '.syntax',
  '.code',
  '.set_version',
]);
const MAX_FILL = 16 * 1024 * 1024;

const DATA_SIZES: Readonly<Record<string, 1 | 2 | 4 | 8>> = {
  '.byte': 1,
  '.1byte': 1,
  '.short': 2,
  '.hword': 2,
  '.2byte': 2,
  '.half': 2,
  '.long': 4,
  '.int': 4,
  '.word': 4,
  '.4byte': 4,
  '.quad': 8,
  '.8byte': 8,
  '.xword': 8,
  '.dword': 8,
};

const MAP_FIELDS = ['type', 'key', 'value', 'max_entries', 'flags', 'map_extra', 'pinning'] as const;
type MapField = (typeof MAP_FIELDS)[number];

/** All directives, for completion. */
export const DIRECTIVES: readonly string[] = [
  '.section',
  '.text',
  '.data',
  '.rodata',
  '.bss',
  '.pushsection',
  '.popsection',
  '.previous',
  '.globl',
  '.global',
  '.weak',
  '.local',
  '.hidden',
  '.extern',
  '.type',
  '.size',
  '.comm',
  '.lcomm',
  '.set',
  '.equ',
  '.ascii',
  '.asciz',
  '.string',
  '.zero',
  '.skip',
  '.space',
  '.fill',
  '.uleb128',
  '.sleb128',
  '.p2align',
  '.align',
  '.balign',
  '.map',
  '.license',
  '.insn',
  ...Object.keys(DATA_SIZES),
];

/** Reads the directive whose name the cursor stands on. Throws AsmError for one there is not. */
export function parseDirective(cursor: Cursor, target: DirectiveTarget): void {
  const token = cursor.name('a directive');
  const size = DATA_SIZES[token.text];
  if (size !== undefined) {
    do target.value(size, expression(cursor));
    while (cursor.accept(','));
    return;
  }
  switch (token.text) {
    case '.section':
    case '.pushsection': {
      if (token.text === '.pushsection') target.pushSection();
      const { name, flags, type } = sectionHeader(cursor);
      target.section(name, flags, type);
      return;
    }
    case '.popsection':
      return target.popSection();
    case '.previous':
      throw new AsmError('.previous is not supported; name the section', token.column, token.endColumn, 'asm-directive');
    case '.text':
    case '.data':
    case '.rodata':
    case '.bss':
      return target.section(token.text, undefined, undefined);
    case '.globl':
    case '.global':
    case '.weak':
    case '.local':
    case '.hidden':
    case '.extern': {
      do {
        const name = cursor.name('a symbol');
        if (token.text === '.hidden') target.hidden(name);
        else if (token.text === '.extern') target.extern(name);
        else target.binding(name, token.text === '.weak' ? 'weak' : token.text === '.local' ? 'local' : 'global');
      } while (cursor.accept(','));
      return;
    }
    case '.type': {
      const name = cursor.name('a symbol');
      cursor.expect(',');
      if (!cursor.accept('@')) cursor.accept('%');
      const kind = cursor.peek();
      const word = kind?.text.replace(/^[%@]/, '');
      if (word === 'function' || word === 'object') target.symbolType(name, word === 'function' ? 'func' : 'object');
      else if (word !== 'notype' && word !== 'tls_object') throw cursor.fail('@function or @object');
      cursor.next();
      return;
    }
    case '.size': {
      const name = cursor.name('a symbol');
      cursor.expect(',');
      return target.symbolSize(name, expression(cursor));
    }
    case '.comm':
    case '.lcomm': {
      const name = cursor.name('a symbol');
      cursor.expect(',');
      const bytes = count(cursor, 'a size');
      const alignment = cursor.accept(',') ? count(cursor, 'an alignment') : 8;
      return target.common(name, bytes, Math.max(1, alignment));
    }
    case '.set':
    case '.equ': {
      const name = cursor.name('a symbol');
      cursor.expect(',');
      return target.assign(name, expression(cursor));
    }
    case '.ascii':
    case '.asciz':
    case '.string': {
      do {
        const string = cursor.peek();
        if (string?.kind !== 'string') throw cursor.fail('a string in double quotes');
        cursor.next();
        const zero = token.text === '.ascii' ? 0 : 1;
        const bytes = new Uint8Array(string.text.length + zero);
        for (let i = 0; i < string.text.length; i++) bytes[i] = string.text.charCodeAt(i);
        target.bytes(bytes);
      } while (cursor.accept(','));
      return;
    }
    case '.zero':
    case '.skip':
    case '.space': {
      const bytes = new Uint8Array(count(cursor, 'a number of bytes'));
      if (cursor.accept(',')) bytes.fill(Number(BigInt.asUintN(8, cursor.integer('a byte').value)));
      return target.bytes(bytes);
    }
    case '.fill': {
      const start = cursor.peek();
      const repeat = count(cursor, 'a repeat count');
      const width = cursor.accept(',') ? count(cursor, 'a width') : 1;
      const value = cursor.accept(',') ? cursor.integer('a value').value : 0n;
      if (width > 8 || repeat * width > MAX_FILL)
        throw new AsmError(
          `.fill of ${repeat} × ${width} bytes: at most ${MAX_FILL} bytes of 1 to 8 each`,
          start?.column ?? 1,
          start?.endColumn ?? 2,
          'asm-range',
        );
      const bytes = new Uint8Array(repeat * width);
      for (let i = 0; i < bytes.length; i++) bytes[i] = Number(BigInt.asUintN(8, value >> BigInt((i % width) * 8)));
      return target.bytes(bytes);
    }
    case '.uleb128':
    case '.sleb128':
      do target.leb(token.text === '.sleb128', expression(cursor));
      while (cursor.accept(','));
      return;
    case '.p2align':
    case '.align':
    case '.balign': {
      const start = cursor.peek();
      const value = count(cursor, 'an alignment');
      // The two optional operands are the fill byte and the most bytes to skip.
      while (cursor.accept(',')) if (!cursor.is(',') && !cursor.done) cursor.integer('a number');
      const to = token.text === '.balign' ? value : 2 ** value;
      if (to < 1 || to > 4096 || !Number.isInteger(Math.log2(to)))
        throw new AsmError(`cannot align to ${to} bytes`, start?.column ?? 1, start?.endColumn ?? 2, 'asm-range');
      return target.align(to);
    }
    case '.insn': {
      const fields: number[] = [];
      do fields.push(cursor.imm32());
      while (cursor.accept(','));
      const [opcode, dst, src, off, imm] = fields;
      const inRange = (value: number | undefined, low: number, high: number): value is number =>
        value !== undefined && value >= low && value <= high;
      if (
        fields.length !== 5 ||
        !inRange(opcode, 0, 255) ||
        !inRange(dst, 0, 15) ||
        !inRange(src, 0, 15) ||
        !inRange(off, -32768, 32767) ||
        imm === undefined
      ) {
        throw new AsmError(
          'expected .insn opcode, dst, src, off, imm with opcode 0 to 255, registers 0 to 15 and off -32768 to 32767',
          token.column,
          token.endColumn,
        );
      }
      return target.insn({ opcode, dst, src, off, imm });
    }
    case '.map':
      return target.map(mapDeclaration(cursor, token));
    case '.license': {
      const string = cursor.peek();
      if (string?.kind !== 'string') throw cursor.fail('a string, such as "GPL"');
      cursor.next();
      return target.license(string.text);
    }
    default:
      if (IGNORED.has(token.text) || token.text.startsWith('.cfi_')) return cursor.skipRest();
      throw new AsmError(`there is no directive ${token.text}`, token.column, token.endColumn, 'asm-directive');
  }
}

/** `name`, `"name"`, then `,"flags"`, `,@type`, `,entsize`. */
function sectionHeader(cursor: Cursor): { name: string; flags: string | undefined; type: string | undefined } {
  let name = '';
  const first = cursor.peek();
  if (first?.kind === 'string') {
    name = first.text;
    cursor.next();
  } else {
    // Unquoted names such as kprobe/__x64_sys_execve, cgroup_skb/ingress, tracepoint/a/b, iter.s/task.
    let end = first?.column;
    for (
      let token = first;
      token !== undefined && token.text !== ',' && token.kind !== 'string' && token.column === end;
      token = cursor.peek()
    ) {
      name += token.text;
      end = token.endColumn;
      cursor.next();
    }
    if (name === '') throw cursor.fail('a section name');
  }
  let flags: string | undefined;
  let type: string | undefined;
  if (cursor.accept(',')) {
    const token = cursor.peek();
    if (token?.kind !== 'string') throw cursor.fail('flags in quotes, such as "ax"');
    flags = token.text;
    cursor.next();
    if (cursor.accept(',')) {
      if (!cursor.accept('@')) cursor.accept('%');
      type = cursor.name('@progbits or @nobits').text.replace(/^[%@]/, '');
      while (cursor.accept(',')) cursor.next();
    }
  }
  return { name, flags, type };
}

function count(cursor: Cursor, expected: string): number {
  const { value, column, endColumn } = cursor.integer(expected);
  if (value < 0n || value > BigInt(MAX_FILL))
    throw new AsmError(`${expected} of ${value} is out of range (0 to ${MAX_FILL})`, column, endColumn, 'asm-range');
  return Number(value);
}

/** Sums and differences of symbols and numbers. */
export function expression(cursor: Cursor, depth = 0): Expression {
  if (depth > 100) throw cursor.fail('an expression with fewer brackets');
  const terms: { symbol: string; sign: 1 | -1 }[] = [];
  let constant = 0n;
  const start = cursor.peek()?.column ?? 1;
  let end = start + 1;
  let sign: 1 | -1 = 1;
  const term = (): void => {
    while (cursor.is('-') || cursor.is('+') || cursor.is('~')) {
      if (cursor.is('~')) {
        cursor.next();
        const { value, endColumn } = cursor.integer();
        constant += BigInt(sign) * ~value;
        end = endColumn;
        return;
      }
      if (cursor.is('-')) sign = sign === 1 ? -1 : 1;
      cursor.next();
    }
    const token = cursor.peek();
    if (token?.kind === 'number') {
      const { value, endColumn } = cursor.integer();
      constant += BigInt(sign) * value;
      end = endColumn;
    } else if (token?.kind === 'operator' && token.text === '(') {
      cursor.next();
      const inner = expression(cursor, depth + 1);
      cursor.expect(')');
      constant += BigInt(sign) * inner.constant;
      for (const one of inner.terms) terms.push({ symbol: one.symbol, sign: (one.sign * sign) as 1 | -1 });
    } else {
      const name = cursor.name('a number or a symbol');
      end = name.endColumn;
      terms.push({ symbol: name.text, sign });
    }
  };
  term();
  while (cursor.is('+') || cursor.is('-')) {
    sign = cursor.next()!.text === '-' ? -1 : 1;
    term();
  }
  return { terms, constant, column: start, endColumn: end };
}

/** `.map NAME, type=hash, key=4, value=8, max_entries=1024[, flags=1][, map_extra=N][, pinning=by_name]`. */
function mapDeclaration(cursor: Cursor, directive: Token): Omit<AssembledMap, 'line'> {
  const name = cursor.name("the map's name");
  const map: Omit<AssembledMap, 'line'> = {
    name: name.text,
    type: '',
    keySize: 0,
    valueSize: 0,
    maxEntries: 0,
    flags: 0,
    column: name.column,
    endColumn: name.endColumn,
  };
  const seen = new Set<MapField>();
  while (cursor.accept(',')) {
    const field = cursor.name(`a field of the map (${MAP_FIELDS.join(', ')})`);
    const key = MAP_FIELDS.find((one) => one === field.text);
    if (key === undefined)
      throw new AsmError(`a map has no field "${field.text}": ${MAP_FIELDS.join(', ')}`, field.column, field.endColumn, 'asm-map');
    if (seen.has(key)) throw new AsmError(`${key} is given twice`, field.column, field.endColumn, 'asm-map');
    seen.add(key);
    cursor.expect('=');
    const size = (): number => {
      const { value, column, endColumn } = cursor.integer();
      if (value < 0n || value > 0xffff_ffffn)
        throw new AsmError(`${key} is a 32-bit number, ${value} is not`, column, endColumn, 'asm-range');
      return Number(value);
    };
    switch (key) {
      case 'type': {
        const type = cursor.name('a map type, such as hash');
        map.type = type.text.replace(/^BPF_MAP_TYPE_/, '').toLowerCase();
        map.typeSpan = { column: type.column, endColumn: type.endColumn };
        break;
      }
      case 'key':
        map.keySize = size();
        break;
      case 'value':
        map.valueSize = size();
        break;
      case 'max_entries':
        map.maxEntries = size();
        break;
      case 'flags':
        map.flags = size();
        break;
      case 'map_extra':
        map.mapExtra = cursor.imm64();
        break;
      case 'pinning': {
        const how = cursor.name('by_name or none');
        if (how.text !== 'by_name' && how.text !== 'none')
          throw new AsmError(`pinning is by_name or none, not ${how.text}`, how.column, how.endColumn, 'asm-map');
        map.pinned = how.text === 'by_name';
        break;
      }
    }
  }
  if (!seen.has('type'))
    throw new AsmError(
      'the map needs a type: .map NAME, type=hash, key=4, value=8, max_entries=1024',
      directive.column,
      name.endColumn,
      'asm-map',
    );
  return map;
}
