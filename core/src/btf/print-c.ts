// Types as C: declarations (`struct sock *sk`), and definitions laid out so that a compiler gives every member the offset
// that BTF says. Knows nothing of the order in which a whole header must define them.

import { resolve } from './type-facts.ts';
import type { Btf, BtfComposite, BtfEnum, BtfFuncProto, BtfType } from './types.ts';

export interface PrintOptions {
  /** Names of types as they are to be printed, for headers in which two types share one. */
  nameOf?: (type: BtfType) => string;
  /** Type tags as attributes; else as the kernel's sources write them (`__user`). */
  tags?: 'attribute' | 'kernel' | 'none';
  /** Names of enumerators, for the same reason. */
  enumeratorName?: (type: BtfEnum, name: string) => string;
}

const MAX_DEPTH = 64;
/** Lines one text may have. The largest struct of a kernel has a few hundred; a damaged BTF can nest without end. */
const MAX_LINES = 3_000;

/** Options, and what keeps one text finite. */
interface Printing extends PrintOptions {
  lines: number;
  /** Anonymous types that are being written out. */
  open: Set<number>;
}

const begin = (options: PrintOptions): Printing => ({ ...options, lines: 0, open: new Set() });

/** `int (*name)[4]`, `struct sock *name`; with an empty name the bare type. Anonymous structs are written out. */
export function declarationOf(btf: Btf, id: number, name = '', options: PrintOptions = {}): string {
  return declare(btf, id, name, begin(options), 0, '');
}

/** The type's name as people say it: `struct sock *`, `__u32`, `char[16]`; an anonymous struct is `struct {…}`. */
export function typeName(btf: Btf, id: number): string {
  return declare(btf, id, '', begin({ tags: 'kernel' }), 0, undefined).replace(/ \[/g, '[');
}

/** `struct x { … };`, `enum y { … };`, `typedef …;`, a function's prototype; what has no definition gives its declaration. */
export function definitionOf(btf: Btf, id: number, given: PrintOptions = {}): string {
  const options = begin(given);
  const type = btf.type(id);
  switch (type?.kind) {
    case 'struct':
    case 'union':
      return `${composite(btf, type, options, 0, '')};`;
    case 'enum':
    case 'enum64':
      return `${enumeration(type, options, '')};`;
    case 'fwd':
      return `${type.of} ${nameOf(type, options)};`;
    case 'typedef':
      return `typedef ${declare(btf, type.type, nameOf(type, options), options, 0, '')};`;
    case 'func':
    case 'var':
      return `${type.linkage === 'static' ? 'static ' : type.linkage === 'extern' ? 'extern ' : ''}${declare(btf, type.type, type.name, options, 0, undefined)};`;
    case 'datasec':
      return `/* section ${type.name}, ${type.size} bytes */\n${type.variables.map(({ type: one, offset }) => `/* ${offset} */ ${btf.kind(one) === 'var' || btf.kind(one) === 'func' ? definitionOf(btf, one, given) : `type ${one}`}`).join('\n')}`;
    default:
      return `${declare(btf, id, '', options, 0, '')};`;
  }
}

const nameOf = (type: BtfType, options: PrintOptions): string => options.nameOf?.(type) ?? type.name;
const join = (type: string, name: string): string =>
  name === '' ? type : /^[*]/.test(name) ? `${type} ${name}` : name.startsWith('[') ? `${type}${name}` : `${type} ${name}`;

/** `indent` undefined: anonymous structs are shortened to `struct {…}`. */
function declare(btf: Btf, id: number, name: string, options: Printing, depth: number, indent: string | undefined): string {
  const type = btf.type(id);
  if (!type || depth > MAX_DEPTH || options.lines > MAX_LINES) return join(`/* type ${id} */ void`, name);
  // A string section without its NULs makes names of kilobytes: they count as the lines that they fill.
  options.lines += (type.name.length + name.length) >> 6;
  const next = (of: number, inner: string): string => declare(btf, of, inner, options, depth + 1, indent);
  switch (type.kind) {
    case 'void':
      return join('void', name);
    case 'int':
    case 'float':
      return join(nameOf(type, options) || 'int', name);
    case 'typedef':
      // The compiler's own va_list has another size on BPF than on the kernel's machine: what the kernel has stands behind the name.
      return type.name === '__builtin_va_list' ? next(type.type, name) : join(nameOf(type, options), name);
    case 'struct':
    case 'union':
      if (type.name !== '') return join(`${type.kind} ${nameOf(type, options)}`, name);
      return join(indent === undefined ? `${type.kind} {…}` : composite(btf, type, options, depth + 1, indent), name);
    case 'enum':
    case 'enum64':
      if (type.name !== '') return join(`enum ${nameOf(type, options)}`, name);
      return join(indent === undefined ? 'enum {…}' : enumeration(type, options, indent), name);
    case 'fwd':
      return join(`${type.of} ${nameOf(type, options)}`, name);
    case 'const':
    case 'volatile':
    case 'restrict':
      return qualified(btf, type.type, type.kind, name, options, depth, indent);
    case 'type_tag': {
      const tag =
        options.tags === 'attribute' ? `__attribute__((btf_type_tag("${type.name}")))` : options.tags === 'kernel' ? `__${type.name}` : '';
      return tag === '' ? next(type.type, name) : qualified(btf, type.type, tag, name, options, depth, indent);
    }
    case 'ptr': {
      const pointee = behindQualifiers(btf, type.type);
      const inner = `*${name}`;
      return next(type.type, pointee?.kind === 'array' || pointee?.kind === 'func_proto' ? `(${inner})` : inner);
    }
    case 'array':
      return next(type.type, `${name}[${type.count}]`);
    case 'func_proto':
      return next(type.type, `${name}(${parameters(btf, type, options, depth, indent)})`);
    case 'func':
    case 'var':
      return next(type.type, name === '' ? type.name : name);
    case 'datasec':
    case 'decl_tag':
      return join(`/* ${type.kind} ${type.name} */ void`, name);
  }
}

/** A qualifier stands behind the star of a pointer, and in front of everything else. */
function qualified(
  btf: Btf,
  of: number,
  qualifier: string,
  name: string,
  options: Printing,
  depth: number,
  indent: string | undefined,
): string {
  const target = behindQualifiers(btf, of);
  const word = qualifier === 'restrict' ? '__restrict' : qualifier;
  if (target?.kind === 'ptr')
    return declare(btf, of, ` ${word}${name === '' ? '' : ` ${name}`}`, options, depth + 1, indent).replace('* ', '*');
  if (word === '__restrict') return declare(btf, of, name, options, depth + 1, indent);
  const text = declare(btf, of, name, options, depth + 1, indent);
  // An array of const elements may be const itself: once is enough.
  return text.startsWith(`${word} `) ? text : `${word} ${text}`;
}

function behindQualifiers(btf: Btf, id: number): BtfType | undefined {
  let type = btf.type(id);
  for (
    let i = 0;
    i < MAX_DEPTH && type && (type.kind === 'const' || type.kind === 'volatile' || type.kind === 'restrict' || type.kind === 'type_tag');
    i++
  )
    type = btf.type(type.type);
  return type;
}

function parameters(btf: Btf, type: BtfFuncProto, options: Printing, depth: number, indent: string | undefined): string {
  if (type.parameters.length === 0) return 'void';
  options.lines += type.parameters.length;
  const texts: string[] = [];
  for (const [i, { name, type: of }] of type.parameters.entries()) {
    if (options.lines > MAX_LINES) {
      texts.push('/* … */');
      break;
    }
    texts.push(of === 0 && i === type.parameters.length - 1 && name === '' ? '...' : declare(btf, of, name, options, depth + 1, indent));
  }
  return texts.join(', ');
}

function enumeration(type: BtfEnum, options: Printing, indent: string): string {
  const name = type.name === '' ? '' : ` ${nameOf(type, options)}`;
  if (type.enumerators.length === 0) return `enum${name}`;
  const lines: string[] = [];
  for (const { name: one, value } of type.enumerators) {
    options.lines += one.length >> 6;
    if (options.lines > MAX_LINES) {
      lines.push(`${indent}\t/* … */`);
      break;
    }
    lines.push(`${indent}\t${options.enumeratorName?.(type, one) ?? one} = ${constant(type, value)},`);
  }
  const attribute =
    type.size === 1
      ? ' __attribute__((mode(byte)))'
      : type.size === 2
        ? ' __attribute__((mode(HI)))'
        : type.size === 8
          ? ' __attribute__((mode(word)))'
          : '';
  return `enum${name} {\n${lines.join('\n')}\n${indent}}${attribute}`;
}

function constant(type: BtfEnum, value: bigint): string {
  if (type.size === 8) return type.signed ? (value === -(1n << 63n) ? '(-9223372036854775807LL - 1)' : `${value}LL`) : `${value}ULL`;
  return type.signed || value <= 0x7fffffffn ? `${value}` : `${value}U`;
}

/** Size and alignment that a compiler gives to what is printed here, in bytes. */
interface Layout {
  size: number;
  align: number;
  /** Only __attribute__((packed)) puts the members where they are. */
  packed?: boolean;
}

/** Nested structs are asked for again and again: each BTF remembers its answers. */
const layouts = new WeakMap<Btf, Map<number, Layout>>();

function layoutOf(btf: Btf, id: number, depth = 0): Layout {
  const type = resolve(btf, id);
  if (!type || depth > MAX_DEPTH) return { size: 0, align: 1 };
  let known = layouts.get(btf);
  if (!known) layouts.set(btf, (known = new Map()));
  let layout = known.get(type.id);
  if (!layout) {
    // A type that contains itself is damaged; while it is being asked for, it has no size.
    known.set(type.id, { size: 0, align: 1 });
    known.set(type.id, (layout = layoutOfType(btf, type, depth)));
  }
  return layout;
}

function layoutOfType(btf: Btf, type: BtfType, depth: number): Layout {
  switch (type.kind) {
    case 'int':
    case 'float':
      return { size: type.size, align: type.size || 1 };
    case 'enum':
    case 'enum64':
      return { size: type.size, align: type.size || 1 };
    case 'ptr':
      return { size: btf.pointerSize, align: btf.pointerSize };
    case 'array': {
      const element = layoutOf(btf, type.type, depth + 1);
      return { size: element.size * type.count, align: element.align };
    }
    case 'struct':
    case 'union':
      return compositeLayout(btf, type, depth);
    default:
      return { size: 0, align: 1 };
  }
}

function compositeLayout(btf: Btf, type: BtfComposite, depth: number): Layout {
  let align = 1;
  let packed = false;
  for (const { name, type: of, bitOffset, bitSize } of type.members) {
    const member = layoutOf(btf, of, depth + 1);
    if (bitSize === 0 || name !== '') align = Math.max(align, member.align);
    if (bitSize === 0 ? bitOffset % (8 * member.align) !== 0 : (bitOffset % (8 * member.size || 8)) + bitSize > 8 * member.size)
      packed = true;
  }
  return packed || type.size % align !== 0 ? { size: type.size, align: 1, packed: true } : { size: type.size, align };
}

function composite(btf: Btf, type: BtfComposite, options: Printing, depth: number, indent: string): string {
  const name = type.name === '' ? '' : ` ${nameOf(type, options)}`;
  const { align: ownAlign, packed = false } = layoutOf(btf, type.id, depth);
  const inner = `${indent}\t`;
  if (options.open.has(type.id) || options.lines > MAX_LINES) return `${type.kind}${name} {}`;
  options.open.add(type.id);
  options.lines += type.members.length;
  const lines: string[] = [];
  let at = 0;
  for (const member of type.members) {
    options.lines += member.name.length >> 6;
    if (options.lines > MAX_LINES) {
      lines.push(`${inner}/* … */`);
      break;
    }
    const { size, align } = layoutOf(btf, member.type, depth + 1);
    if (type.kind === 'struct') {
      if (natural(at, member.bitSize, size, packed ? 1 : align, packed) !== member.bitOffset) {
        const room = padding(at, member.bitOffset, inner);
        options.lines += room.length;
        lines.push(...room);
      }
      at = member.bitOffset + (member.bitSize || size * 8);
    }
    lines.push(
      `${inner}${declare(btf, member.type, member.name, options, depth, inner)}${member.bitSize > 0 ? `: ${member.bitSize}` : ''};`,
    );
  }
  if (type.kind === 'struct') {
    const end = Math.ceil(Math.ceil(at / 8) / ownAlign) * ownAlign;
    if (end < type.size) lines.push(...padding(at, type.size * 8, inner));
  } else {
    const largest = Math.max(
      0,
      ...type.members.map((member) => (member.bitSize ? Math.ceil(member.bitSize / 8) : layoutOf(btf, member.type, depth + 1).size)),
    );
    if (Math.ceil(largest / ownAlign) * ownAlign < type.size) lines.push(`${inner}char __whole_union[${type.size}];`);
  }
  options.open.delete(type.id);
  const body = lines.length === 0 ? ' {}' : ` {\n${lines.join('\n')}\n${indent}}`;
  return `${type.kind}${name}${body}${packed && type.members.length > 0 ? ' __attribute__((packed))' : ''}`;
}

/** Bit at which a compiler places the next member. */
function natural(at: number, bitSize: number, size: number, align: number, packed: boolean): number {
  if (bitSize === 0) return Math.ceil(at / (8 * align)) * 8 * align;
  if (packed || size === 0) return at;
  return (at % (8 * size)) + bitSize > 8 * size ? Math.ceil(at / (8 * size)) * 8 * size : at;
}

/** Unnamed bit fields from one bit to another: they take room and change no alignment. */
function padding(from: number, to: number, indent: string): string[] {
  const lines: string[] = [];
  let at = from;
  while (at < to) {
    const left = to - at;
    const [type, bits] =
      at % 64 === 0 && left >= 64
        ? ['long', 64]
        : at % 32 === 0 && left >= 32
          ? ['int', 32]
          : at % 16 === 0 && left >= 16
            ? ['short', 16]
            : ['char', Math.min(8 - (at % 8), left)];
    lines.push(`${indent}${type}: ${bits};`);
    at += bits;
    if (lines.length > 4096) break;
  }
  return lines;
}
