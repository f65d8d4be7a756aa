// Instructions in the classic mnemonics of uBPF, rbpf and bpf_conformance: `mov %r0, 1`, `ldxdw %r0, [%r1+8]`,
// `lock fetch add [%r10-8], %r1`, `jeq %r1, 0, +1`. The mnemonics are the opcode table's; aliases stand here.

import { AsmError, type Token } from './asm-lexer.ts';
import type { Cursor } from './asm-cursor.ts';
import { build, jump, ldImm64, wideConstant, type ParsedInsn } from './asm-pseudo-c.ts';
import { INSTRUCTIONS, type Instruction } from './opcodes.ts';
import { didYouMean } from './suggest.ts';
import { never } from '#core/problem';

const byMnemonic = new Map<string, Instruction[]>();
for (const row of INSTRUCTIONS) {
  const rows = byMnemonic.get(row.mnemonic);
  if (rows) rows.push(row);
  else byMnemonic.set(row.mnemonic, [row]);
}
/** Spellings of other assemblers for a mnemonic of the table. */
const ALIASES: Readonly<Record<string, string>> = {
  swap16: 'bswap16',
  swap32: 'bswap32',
  swap64: 'bswap64',
  jal: 'ja32',
  gotol: 'ja32',
  jmp: 'ja',
};
for (const [mnemonic] of [...byMnemonic]) {
  // rbpf writes the width out: add64, mov64, neg64, jeq64 are not needed to tell anything apart.
  if (/^(?:add|sub|mul|s?div|or|and|lsh|rsh|neg|s?mod|xor|mov|arsh)$/.test(mnemonic))
    byMnemonic.set(`${mnemonic}64`, byMnemonic.get(mnemonic)!);
}
for (const [alias, mnemonic] of Object.entries(ALIASES)) {
  const rows = byMnemonic.get(mnemonic);
  if (rows && !byMnemonic.has(alias)) byMnemonic.set(alias, rows);
}

/** Every mnemonic that parseClassic takes, for completion; `lock add` and the like with their blank. */
export const CLASSIC_MNEMONICS: readonly string[] = [...byMnemonic.keys()];

export const isMnemonic = (word: string): boolean => byMnemonic.has(word);

export function parseClassic(cursor: Cursor): ParsedInsn {
  const first = cursor.name('an instruction');
  let mnemonic = first.text;
  let last: Token = first;
  if (mnemonic === 'lock') {
    for (let words = 0; words < 2 && cursor.peek()?.kind === 'name'; words++) {
      last = cursor.next()!;
      mnemonic += ` ${last.text}`;
      if (last.text !== 'fetch') break;
    }
    // uBPF's text for a fetching form of an operation that has no other: `lock fetch xchg` is xchg.
    mnemonic = mnemonic.replace(/^lock fetch (xchg|cmpxchg)/, 'lock $1');
  }
  const rows = byMnemonic.get(mnemonic);
  if (!rows) {
    if (mnemonic.startsWith('lock')) {
      throw new AsmError(
        'expected an atomic operation behind lock: add, or, and, xor (each also with fetch in front), xchg, cmpxchg, with 32 behind it for four bytes',
        last.column,
        last.endColumn,
        'asm-mnemonic',
      );
    }
    throw new AsmError(
      `there is no instruction or directive "${mnemonic}"${didYouMean(mnemonic, byMnemonic.keys())}`,
      first.column,
      first.endColumn,
      'asm-mnemonic',
    );
  }
  return operands(cursor, rows);
}

function comma(cursor: Cursor, row: Instruction): void {
  if (!cursor.accept(',')) throw cursor.fail(`"," and another operand: ${usage(row)}`);
}

/** What the instruction wants, for messages. */
function usage(row: Instruction): string {
  const { mnemonic } = row;
  switch (row.kind) {
    case 'alu':
      return row.operation === 'neg' ? `${mnemonic} %rN` : `${mnemonic} %rN, %rM or number`;
    case 'mov':
      return `${mnemonic} %rN, %rM or number`;
    case 'movsx':
    case 'percpu_address':
      return `${mnemonic} %rN, %rM`;
    case 'endian':
      return `${mnemonic} %rN`;
    case 'addr_space_cast':
      return `${mnemonic} %rN, %rM, 0, 1`;
    case 'load':
    case 'load_sx':
    case 'load_acquire':
      return `${mnemonic} %rN, [%rM+offset]`;
    case 'store':
      return `${mnemonic} [%rN+offset], ${row.uses.includes('src') ? '%rM' : 'number'}`;
    case 'atomic':
    case 'store_release':
      return `${mnemonic} [%rN+offset], %rM`;
    case 'ld_imm64':
      return `${mnemonic} %rN, number`;
    case 'packet':
      return row.operation === 'ldabs' ? `${mnemonic} offset` : `${mnemonic} %rN, offset`;
    case 'jump':
      return `${mnemonic} %rN, %rM or number, target`;
    case 'goto':
    case 'may_goto':
      return `${mnemonic} target`;
    case 'call':
      return `${mnemonic} function`;
    case 'exit':
      return mnemonic;
    default:
      return never(row.kind);
  }
}

function memory(cursor: Cursor, row: Instruction): { base: number; off: number } {
  if (!cursor.accept('[')) throw cursor.fail(`a memory operand in brackets: ${usage(row)}`);
  const base = cursor.wideRegister();
  const off = cursor.offset();
  cursor.expect(']');
  return { base, off };
}

const plain = (row: Instruction, operands_: Parameters<typeof build>[1]): ParsedInsn => ({ insns: [build(row.id, operands_)] });

function operands(cursor: Cursor, rows: readonly Instruction[]): ParsedInsn {
  const row = rows[0]!;
  const register = (): number => cursor.wideRegister(`a register: ${usage(row)}`);
  const form = (field: 'src' | 'imm'): Instruction => {
    const found = rows.find((candidate) => candidate.uses.includes(field));
    if (!found) throw cursor.fail(usage(row));
    return found;
  };
  switch (row.kind) {
    case 'alu':
    case 'mov': {
      const dst = register();
      if (row.operation === 'neg') return plain(row, { dst });
      comma(cursor, row);
      if (cursor.isRegister()) return plain(form('src'), { dst, src: cursor.wideRegister() });
      return plain(form('imm'), { dst, imm: cursor.imm32('a register or a 32-bit number') });
    }
    case 'movsx':
    case 'percpu_address': {
      const dst = register();
      comma(cursor, row);
      return plain(row, { dst, src: register() });
    }
    case 'endian':
      return plain(row, { dst: register() });
    case 'addr_space_cast': {
      const dst = register();
      comma(cursor, row);
      const src = register();
      comma(cursor, row);
      const to = cursor.imm32();
      comma(cursor, row);
      const from = cursor.imm32();
      const cast = rows.find((candidate) => candidate.fixed.imm === ((to << 16) | from));
      if (!cast) throw cursor.fail('address spaces 0, 1 or 1, 0');
      return plain(cast, { dst, src });
    }
    case 'load':
    case 'load_sx':
    case 'load_acquire': {
      const dst = register();
      comma(cursor, row);
      const { base, off } = memory(cursor, row);
      return plain(row, { dst, src: base, off });
    }
    case 'store': {
      const { base, off } = memory(cursor, row);
      comma(cursor, row);
      if (row.uses.includes('src')) return plain(row, { dst: base, off, src: register() });
      return plain(row, { dst: base, off, imm: cursor.imm32() });
    }
    case 'atomic':
    case 'store_release': {
      const { base, off } = memory(cursor, row);
      comma(cursor, row);
      return plain(row, { dst: base, off, src: register() });
    }
    case 'ld_imm64':
      return wide(cursor, row);
    case 'packet':
      if (row.operation === 'ldabs') return plain(row, { imm: cursor.imm32('an offset') });
      else {
        const src = register();
        return plain(row, { src, imm: cursor.accept(',') ? cursor.imm32('an offset') : 0 });
      }
    case 'jump': {
      const dst = register();
      comma(cursor, row);
      const operand = cursor.isRegister() ? { src: cursor.wideRegister() } : { imm: cursor.imm32('a register or a 32-bit number') };
      comma(cursor, row);
      return jump(form('src' in operand ? 'src' : 'imm').id, { dst, ...operand }, cursor.target());
    }
    case 'goto':
    case 'may_goto':
      return jump(row.id, {}, cursor.target(row.width === 32 ? 32 : 16));
    case 'call':
    case 'exit':
      // Both dialects spell these alike: the pseudo-C reader has taken them.
      throw cursor.fail(usage(row));
    default:
      return never(row.kind);
  }
}

/** `lddw %r0, 5`, `lddw %r0, counts`, and our pseudo forms `lddw %r0, map_fd(3)`, `map_value(3, 8)`. */
function wide(cursor: Cursor, row: Instruction): ParsedInsn {
  const dst = cursor.wideRegister(`a register: ${usage(row)}`);
  comma(cursor, row);
  if (cursor.isNumber()) return wideConstant(dst, cursor.imm64());
  const token = cursor.name('a 64-bit number or a symbol');
  if (cursor.accept('(')) {
    const pseudo = INSTRUCTIONS.find(
      (candidate) => candidate.kind === 'ld_imm64' && candidate.operation === token.text && candidate.fixed.src !== 0,
    );
    if (!pseudo)
      throw new AsmError(
        `"${token.text}" is no source of an ld_imm64: map_fd, map_value, btf_id, func, map_idx, map_idx_value`,
        token.column,
        token.endColumn,
      );
    const imm = cursor.imm32();
    const next = pseudo.usesNextImm && cursor.accept(',') ? cursor.imm32() : 0;
    cursor.expect(')');
    return { insns: ldImm64(dst, pseudo.fixed.src!, imm, next) };
  }
  const addend = cursor.is('+') || cursor.is('-') ? cursor.imm32('an offset') : 0;
  return {
    insns: ldImm64(dst, 0, addend, 0),
    reference: { kind: 'address', name: token.text, addend, column: token.column, endColumn: token.endColumn },
  };
}
