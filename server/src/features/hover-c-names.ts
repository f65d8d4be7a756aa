// Hover of C's own names: structs with sizes and offsets, members, variables, functions, macros with their value, enumerators, numbers.

import { type Btf, sizeOf } from '#core/btf';
import { codeBlock } from '../describe.ts';
import type { CIndex, Member, Place } from '../languages/c/c-index.ts';
import { constantByName, errorName } from '../languages/c/constants.ts';
import type { CType } from '../languages/c/declarations.ts';

/** Lines of a struct that a hover shows. */
const SHOWN_MEMBERS = 40;

export function hoverName(index: CIndex, word: { name: string; start: number; end: number }): string | undefined {
  const { name } = word;
  if (/^\d/.test(name)) return numberMarkdown(index, name, index.file.text[word.start - 1] === '-');
  const before = /\b(struct|union|enum)\s+$/.exec(index.file.text.slice(Math.max(0, word.start - 20), word.start))?.[1];
  if (before) return typeMarkdown(index, { kind: 'tag', keyword: before as 'struct', name });
  const found = index.placeOf(word);
  if (!found) {
    const constant = constantByName(name);
    if (constant)
      return `${codeBlock(`#define ${name} ${constant.value}`)}\n\nA macro of \`<${constant.header}>\`, which \`vmlinux.h\` does not have.`;
    return index.isTypeName(name) ? typeMarkdown(index, { kind: 'name', name }) : undefined;
  }
  if ('declaration' in found) return declaredMarkdown(index, found);
  if ('kind' in found) {
    if (found.kind === 'declared') return declaredMarkdown(index, found.place);
    const of = index.btf?.type(found.id);
    return `${codeBlock(`${found.name} = ${found.value}`)}\n\nOf ${of?.name ? `\`enum ${of.name}\`` : 'an enum'} of the kernel${hex(found.value)}.`;
  }
  return memberMarkdown(index, found);
}

function declaredMarkdown(index: CIndex, { file, declaration }: Place): string {
  const { kind, name, type, value, start } = declaration;
  const remark = commentBefore(file.text, start);
  const parts: string[] = [];
  switch (kind) {
    case 'macro': {
      const number = index.number(value ?? '');
      parts.push(codeBlock(`#define ${name}${declaration.arguments ?? ''}${value ? ` ${value}` : ''}`));
      if (number !== undefined) parts.push(`= ${number}${hex(number)}`);
      break;
    }
    case 'enumerator': {
      const number = index.number(value ?? '');
      parts.push(codeBlock(`${name} = ${number ?? value ?? ''}`), `Of ${inline(index.show(type))}.`);
      break;
    }
    case 'tag':
      parts.push(typeMarkdown(index, type) ?? '');
      break;
    case 'typedef':
      parts.push(codeBlock(`typedef ${index.show(type, name)}`), sizeWords(index, type));
      break;
    case 'function':
      parts.push(codeBlock(index.show(type, name)));
      break;
    case 'member':
    case 'variable':
    case 'parameter':
      // Of a number or a pointer the type says it.
      parts.push(codeBlock(index.show(type, name)), isLarge(index, type) ? sizeWords(index, type) : '');
      break;
  }
  if (remark) parts.push(codeBlock(remark, ''));
  return parts.filter((part) => part !== '').join('\n\n');
}

function memberMarkdown(index: CIndex, { name, type, offset, bits, of, place }: Member): string {
  const size = index.size(type);
  const where = offset === undefined ? '' : bits === undefined ? ` at offset ${offset / 8}` : ` at bit ${offset}`;
  const long = bits === undefined ? (size === undefined ? '' : bytes(size)) : `${bits} bit${bits === '1' ? '' : 's'}`;
  const remark = place && commentBefore(place.file.text, place.declaration.start);
  return [
    codeBlock(`${index.show(type, name)}${bits === undefined ? '' : ` : ${bits}`}`),
    `${long}${where}${of ? ` of the kernel's \`struct ${of}\`` : ''}`.trim(),
    remark ? codeBlock(remark, '') : '',
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

function typeMarkdown(index: CIndex, type: CType): string | undefined {
  const found = index.strip(type);
  if (type.kind === 'name' && found.kind !== 'composite' && found.kind !== 'btf')
    return found.kind === 'name' && found.name === type.name
      ? [codeBlock(type.name), sizeWords(index, type)].join('\n\n')
      : codeBlock(`typedef ${index.show(found, type.name)}`);
  if (found.kind !== 'composite' && found.kind !== 'btf') return undefined;
  const enumeration = enumeratorsOf(index, found);
  if (enumeration) return codeBlock(`${index.show(type)} {\n${limited(enumeration)}\n}`);
  const members = index.members(found);
  if (members.length === 0) return found.kind === 'btf' ? codeBlock(index.show(found)) : undefined;
  const lines = members.map(
    (one) =>
      `\t${index.show(one.type, one.name)}${one.bits === undefined ? '' : ` : ${one.bits}`};${one.offset === undefined ? '' : `  /* ${one.offset % 8 === 0 ? one.offset / 8 : `bit ${one.offset}`} */`}`,
  );
  const size = index.size(found);
  const origin = found.kind === 'btf' ? ", the target kernel's" : '';
  return `${codeBlock(`${index.show(type.kind === 'name' ? found : type)} {\n${limited(lines)}\n}`)}\n\n${size === undefined ? 'Size unknown' : bytes(size)}${origin}. Behind each member its offset.`;
}

function enumeratorsOf(index: CIndex, type: CType): string[] | undefined {
  if (type.kind === 'composite')
    return type.composite.keyword === 'enum' ? type.composite.members.map((one) => `\t${one.name} = ${one.value ?? ''},`) : undefined;
  if (type.kind !== 'btf') return undefined;
  const row = (index.btf as Btf).type(type.id);
  return row?.kind === 'enum' || row?.kind === 'enum64' ? row.enumerators.map((one) => `\t${one.name} = ${one.value},`) : undefined;
}

const isLarge = (index: CIndex, type: CType): boolean => {
  const { kind } = index.strip(type);
  return kind === 'array' || kind === 'composite' || (kind === 'btf' && index.members(type).length > 0);
};
const limited = (lines: readonly string[]): string =>
  lines.length <= SHOWN_MEMBERS
    ? lines.join('\n')
    : [...lines.slice(0, SHOWN_MEMBERS), `\t/* and ${lines.length - SHOWN_MEMBERS} more */`].join('\n');
const bytes = (size: number): string => `${size} byte${size === 1 ? '' : 's'}`;
const inline = (text: string): string => `\`${text.replaceAll('`', "'")}\``;
const hex = (value: bigint): string => (value > 9n || value < 0n ? `, 0x${BigInt.asUintN(64, value).toString(16)}` : '');

function sizeWords(index: CIndex, type: CType): string {
  const size = type.kind === 'btf' && index.btf ? sizeOf(index.btf, type.id) : index.size(type);
  return size === undefined ? '' : bytes(size);
}

/** A number in the forms that the field uses: hexadecimal, errno behind a minus, an IPv4 address, a port in network order. */
function numberMarkdown(index: CIndex, text: string, negative: boolean): string | undefined {
  const value = index.number(text);
  if (value === undefined || value < 10n) {
    const name = value !== undefined && negative ? errorName(Number(value)) : undefined;
    return name && `\`-${value}\` is \`-${name}\``;
  }
  const parts = [/^0[xX]/.test(text) ? `${value}` : `0x${value.toString(16)}`];
  const name = negative && value < 200n ? errorName(Number(value)) : undefined;
  if (name) parts.push(`\`-${name}\``);
  if (/^0[xX][\da-fA-F]{8}[uUlL]*$/.test(text)) {
    const dotted = [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join('.');
    parts.push(`as an IPv4 address ${dotted}`);
  }
  if (value > 255n && value < 65536n) parts.push(`its two bytes swapped ${((value & 255n) << 8n) | (value >> 8n)}`);
  return `${value === undefined ? '' : parts.join(', ')}`;
}

/** The comment that ends on the line above a declaration. */
function commentBefore(text: string, start: number): string {
  const before = text.slice(Math.max(0, start - 2000), text.lastIndexOf('\n', start - 1) + 1);
  const lines = before.replace(/\n$/, '').split('\n');
  const found: string[] = [];
  for (let at = lines.length - 1; at >= 0; at--) {
    const line = lines[at]!.trim();
    if (line.startsWith('SEC(') && found.length === 0) continue;
    if (line.startsWith('//')) found.unshift(line.slice(2).trim());
    else if (line.endsWith('*/') && found.length === 0) {
      for (; at >= 0; at--) {
        found.unshift(
          lines[at]!.trim()
            .replace(/^\/\*+|\*+\/$/g, '')
            .replace(/^\*\s?/, '')
            .trim(),
        );
        if (lines[at]!.includes('/*')) break;
      }
      break;
    } else break;
  }
  return found.join('\n').trim().slice(0, 1000);
}
