// Instructions in pseudo-C, as llvm-objdump, clang -S, bpftool and the verifier's log write them:
// `r1 += 8`, `w0 = *(u8 *)(r1 + 0)`, `if r1 s> r2 goto +3`, `lock *(u64 *)(r1 + 0) += r2`, `r1 = counts ll`.

import {
  BPF_ADD,
  BPF_AND,
  BPF_CMPXCHG,
  BPF_FETCH,
  BPF_LOAD_ACQ,
  BPF_OR,
  BPF_PSEUDO_CALL,
  BPF_PSEUDO_FUNC,
  BPF_PSEUDO_KFUNC_CALL,
  BPF_PSEUDO_MAP_FD,
  BPF_PSEUDO_MAP_IDX_VALUE,
  BPF_PSEUDO_MAP_VALUE,
  BPF_STORE_REL,
  BPF_XCHG,
  BPF_XOR,
  type Insn,
} from './encoding.ts';
import { AsmError, type Token } from './asm-lexer.ts';
import type { Cursor, JumpTarget, Reference, RegisterOperand } from './asm-cursor.ts';
import { instruction } from './opcodes.ts';

/** One or two slots, and the name that is still to be filled in. */
export interface ParsedInsn {
  insns: Insn[];
  reference?: Reference;
}

export interface PseudoCOptions {
  /** The listing's opcode byte, where it prints one: tells `r1 = 5` and the ld_imm64 of the same text apart. */
  opcode?: number;
}

const ALU_OPERATIONS: Readonly<Record<string, string>> = {
  '+=': 'add',
  '-=': 'sub',
  '*=': 'mul',
  '/=': 'div',
  's/=': 'sdiv',
  '|=': 'or',
  '&=': 'and',
  '<<=': 'lsh',
  '>>=': 'rsh',
  '%=': 'mod',
  's%=': 'smod',
  '^=': 'xor',
  's>>=': 'arsh',
};
const JUMP_OPERATIONS: Readonly<Record<string, string>> = {
  '==': 'jeq',
  '!=': 'jne',
  '>': 'jgt',
  '>=': 'jge',
  '<': 'jlt',
  '<=': 'jle',
  's>': 'jsgt',
  's>=': 'jsge',
  's<': 'jslt',
  's<=': 'jsle',
  '&': 'jset',
};
const SUFFIX = { 1: 'b', 2: 'h', 4: 'w', 8: 'dw' } as const;
type Size = 1 | 2 | 4 | 8;

/** An instruction of the table with these operands; its fixed fields come from the row. */
export function build(id: string, operands: Partial<Omit<Insn, 'opcode'>>): Insn {
  const row = instruction(id);
  if (!row) throw new Error(`no instruction ${id}`);
  return { dst: 0, src: 0, off: 0, imm: 0, ...operands, ...row.fixed, opcode: row.opcode };
}

const plain = (id: string, operands: Partial<Omit<Insn, 'opcode'>>): ParsedInsn => ({ insns: [build(id, operands)] });

/** Whether the statement begins as pseudo-C does. `call`, `exit` and `may_goto` are both dialects' and read here. */
export function startsPseudoC(cursor: Cursor): boolean {
  const token = cursor.peek();
  if (!token) return false;
  if (cursor.isRegister() || token.text === '*') return true;
  if (token.text === 'lock') return cursor.is('*', 1);
  return ['if', 'goto', 'gotol', 'may_goto', 'call', 'callx', 'exit', 'store_release', 'ld_pseudo'].includes(token.text);
}

export function parsePseudoC(cursor: Cursor, options: PseudoCOptions = {}): ParsedInsn {
  const token = cursor.peek();
  if (!token) throw cursor.fail('an instruction');
  switch (token.text) {
    case 'if':
      return conditional(cursor);
    case 'goto':
    case 'gotol':
    case 'may_goto':
      cursor.next();
      return jump(token.text, {}, cursor.target(token.text === 'gotol' ? 32 : 16));
    case 'call':
      return call(cursor);
    case 'callx':
      cursor.next();
      return plain('callx', { dst: cursor.wideRegister() });
    case 'exit':
      cursor.next();
      return plain('exit', {});
    case 'lock':
      return lock(cursor);
    case '*':
      return store(cursor);
    case 'store_release':
      return storeRelease(cursor);
    case 'ld_pseudo':
      return ldPseudo(cursor);
    default:
      return assignment(cursor, options);
  }
}

/** Fills the distance in, or leaves it to the label. */
export function jump(id: string, operands: Partial<Omit<Insn, 'opcode'>>, target: JumpTarget): ParsedInsn {
  const field = id === 'gotol' ? 'imm' : 'off';
  if (target.name === undefined) return plain(id, { ...operands, [field]: target.distance });
  const { token } = target;
  return {
    insns: [build(id, operands)],
    reference: {
      kind: field === 'imm' ? 'jump32' : 'jump',
      name: target.name,
      addend: 0,
      column: token.column,
      endColumn: token.endColumn,
    },
  };
}

function conditional(cursor: Cursor): ParsedInsn {
  cursor.next();
  const left = cursor.register();
  const operator = cursor.peek();
  const operation = operator === undefined ? undefined : JUMP_OPERATIONS[operator.text];
  if (operation === undefined) throw cursor.fail('a comparison (== != > >= < <= s> s>= s< s<= &)');
  cursor.next();
  const width = left.half ? 32 : 64;
  if (cursor.isRegister()) {
    const right = sameWidth(cursor.register(), left);
    cursor.expect('goto');
    return jump(`${operation}${width}_reg`, { dst: left.number, src: right.number }, cursor.target());
  }
  const imm = cursor.imm32('a register or a 32-bit number');
  cursor.expect('goto');
  return jump(`${operation}${width}_imm`, { dst: left.number, imm }, cursor.target());
}

function sameWidth(right: RegisterOperand, left: RegisterOperand): RegisterOperand {
  if (right.half !== left.half)
    throw new AsmError(
      `${left.token.text} and ${right.token.text} have different widths; use ${left.half ? 'w' : 'r'}${right.number}`,
      right.token.column,
      right.token.endColumn,
    );
  return right;
}

export function call(cursor: Cursor): ParsedInsn {
  cursor.next();
  if (cursor.is('pc')) {
    cursor.next();
    const imm = cursor.distance(32, 'a call');
    if (cursor.peek()?.text.startsWith('#')) cursor.next();
    return plain('call_local', { imm });
  }
  if (cursor.isRegister()) return plain('callx', { dst: cursor.wideRegister() });
  if (cursor.is('local') && !cursor.is(':', 1) && cursor.peek(1)) {
    cursor.next();
    if (cursor.is('+') || cursor.is('-')) return plain('call_local', { imm: cursor.distance(32, 'a call') });
    const token = cursor.name('a label or a signed distance');
    return {
      insns: [build('call_local', {})],
      reference: { kind: 'call', name: token.text, addend: 0, column: token.column, endColumn: token.endColumn },
    };
  }
  if (cursor.is('kfunc') && (cursor.peek(1)?.kind === 'number' || cursor.is('-', 1))) {
    cursor.next();
    const imm = cursor.imm32();
    return plain('call_kfunc', { imm, off: cursor.accept(',') ? cursor.distance(16, 'an index of the fd array') : 0 });
  }
  if (cursor.isNumber()) {
    const negative = cursor.is('-');
    const imm = cursor.imm32();
    // A helper has no negative number: llvm-objdump prints the distance of a local call like this.
    const result = plain(negative ? 'call_local' : 'call_helper', { imm });
    if (cursor.is('<')) cursor.skipRest();
    return result;
  }
  const token = cursor.name('a helper, a label, a number or a register');
  const tail = cursor.peek();
  let number: number | undefined;
  if (tail?.text.startsWith('#')) {
    cursor.next();
    if (/^#-?\d+$/.test(tail.text)) number = Number(tail.text.slice(1)) | 0;
  }
  // llvm-objdump behind a relocated call, bpftool behind a kfunc in a module.
  if (cursor.is('<')) cursor.skipRest();
  return {
    insns: [build('call_helper', number === undefined ? {} : { imm: number })],
    reference: {
      kind: 'call',
      name: token.text,
      addend: 0,
      ...(number === undefined ? {} : { number }),
      column: token.column,
      endColumn: token.endColumn,
    },
  };
}

/** `(u64 *)`: the size, and whether it is signed. */
function pointerType(cursor: Cursor): { size: Size; signed: boolean; token: Token } {
  cursor.expect('(');
  const token = cursor.peek();
  const match = token ? /^([us])(8|16|32|64)$/.exec(token.text) : null;
  if (!token || !match) throw cursor.fail('u8, u16, u32, u64, s8, s16 or s32');
  cursor.next();
  cursor.expect('*');
  cursor.expect(')');
  return { size: (Number(match[2]) / 8) as Size, signed: match[1] === 's', token };
}

/** `(r1 + 8)` or `(r1 +8)`. */
function address(cursor: Cursor): { base: number; off: number } {
  cursor.expect('(');
  const base = cursor.wideRegister();
  const off = cursor.offset();
  cursor.expect(')');
  return { base, off };
}

/** `(u64 *)(r1 + 8)`, unsigned. */
function typedAddress(cursor: Cursor): { size: Size; base: number; off: number } {
  const { size, signed, token } = pointerType(cursor);
  if (signed) throw new AsmError(`only a plain load may be signed; write u${size * 8}`, token.column, token.endColumn);
  return { size, ...address(cursor) };
}

/** A register that is stored or exchanged: w and r name the same for sizes up to 4. */
function valueRegister(cursor: Cursor, size: Size): number {
  const register = cursor.register();
  if (size === 8 && register.half)
    throw new AsmError(
      `${register.token.text} has 32 bits and the access 64; use r${register.number}`,
      register.token.column,
      register.token.endColumn,
    );
  return register.number;
}

function store(cursor: Cursor): ParsedInsn {
  cursor.expect('*');
  const { size, base, off } = typedAddress(cursor);
  cursor.expect('=');
  if (cursor.isRegister()) return plain(`stx${SUFFIX[size]}`, { dst: base, off, src: valueRegister(cursor, size) });
  return plain(`st${SUFFIX[size]}`, { dst: base, off, imm: cursor.imm32('a register or a 32-bit number') });
}

const LOCK_OPERATIONS: Readonly<Record<string, string>> = { '+=': 'add', '|=': 'or', '&=': 'and', '^=': 'xor' };

function lock(cursor: Cursor): ParsedInsn {
  cursor.next();
  cursor.expect('*');
  const column = cursor.peek();
  const { size, base, off } = typedAddress(cursor);
  const operator = cursor.peek();
  const operation = operator === undefined ? undefined : LOCK_OPERATIONS[operator.text];
  if (operation === undefined) throw cursor.fail('+=, |=, &= or ^=');
  cursor.next();
  if (size < 4) throw new AsmError('atomic operations move 4 or 8 bytes: u32 or u64', column?.column ?? 1, column?.endColumn ?? 2);
  return plain(`atomic_${operation}${size * 8}`, { dst: base, off, src: valueRegister(cursor, size) });
}

function storeRelease(cursor: Cursor): ParsedInsn {
  cursor.next();
  cursor.expect('(');
  const { size, base, off } = typedAddress(cursor);
  cursor.expect(',');
  const src = valueRegister(cursor, size);
  cursor.expect(')');
  return plain(`store_release${size * 8}`, { dst: base, off, src, imm: BPF_STORE_REL });
}

function ldPseudo(cursor: Cursor): ParsedInsn {
  cursor.next();
  const dst = cursor.wideRegister();
  cursor.expect(',');
  const { value: src, column, endColumn } = cursor.integer('a source (0 to 6)');
  if (src < 0n || src > 6n) throw new AsmError(`the source of an ld_imm64 is 0 to 6, not ${src}`, column, endColumn, 'asm-range');
  cursor.expect(',');
  const imm = cursor.imm32();
  return {
    insns: [
      { opcode: 0x18, dst, src: Number(src), off: 0, imm },
      { opcode: 0, dst: 0, src: 0, off: 0, imm: 0 },
    ],
  };
}

/** Two slots with a 64-bit value. */
export function ldImm64(dst: number, src: number, imm: number, nextImm: number): Insn[] {
  return [
    { opcode: 0x18, dst, src, off: 0, imm },
    { opcode: 0, dst: 0, src: 0, off: 0, imm: nextImm },
  ];
}

export const wideConstant = (dst: number, value: bigint): ParsedInsn => ({
  insns: ldImm64(dst, 0, Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n))),
});

function assignment(cursor: Cursor, options: PseudoCOptions): ParsedInsn {
  const left = cursor.register('an instruction');
  const dst = left.number;
  const width = left.half ? 32 : 64;
  const operator = cursor.peek();
  const operation = operator === undefined ? undefined : ALU_OPERATIONS[operator.text];
  if (operation !== undefined) {
    cursor.next();
    if (cursor.isRegister()) return plain(`${operation}${width}_reg`, { dst, src: sameWidth(cursor.register(), left).number });
    return plain(`${operation}${width}_imm`, { dst, imm: cursor.imm32('a register or a 32-bit number') });
  }
  if (!cursor.is('=')) throw cursor.fail('= or an assignment such as +=');
  cursor.next();
  if (cursor.isRegister()) return plain(`mov${width}_reg`, { dst, src: sameWidth(cursor.register(), left).number });
  if (cursor.is('-') && cursor.isRegister(1)) {
    cursor.next();
    const right = sameWidth(cursor.register(), left);
    if (right.number !== dst)
      throw new AsmError(
        `negation works in place: write ${left.token.text} = -${left.token.text}`,
        right.token.column,
        right.token.endColumn,
      );
    return plain(`neg${width}`, { dst });
  }
  if (cursor.isNumber()) return constant(cursor, left, options);
  if (cursor.is('*')) return load(cursor, left);
  if (cursor.is('(')) return signExtension(cursor, left);
  if (cursor.is('&')) return addressOf(cursor, left);
  return named(cursor, left);
}

function constant(cursor: Cursor, left: RegisterOperand, options: PseudoCOptions): ParsedInsn {
  const start = cursor.peek()!;
  const wide = options.opcode === 0x18 || cursor.is('ll', cursor.is('-') || cursor.is('+') ? 2 : 1);
  if (!wide) {
    const before = cursor.integer('a number');
    if (!left.half && (before.value < -0x8000_0000n || before.value > 0xffff_ffffn)) {
      throw new AsmError(
        `${before.value} does not fit 32 bits; write it with ll behind it for the two-slot form`,
        before.column,
        before.endColumn,
        'asm-range',
      );
    }
    const highest = before.hexadecimal && before.value > 0n ? 0xffff_ffffn : 0x7fff_ffffn;
    if (before.value < -0x8000_0000n || before.value > highest) {
      const hint =
        before.value > 0n && before.value <= 0xffff_ffffn
          ? `; write 0x${before.value.toString(16)} for these bits, or ll behind it for all 64`
          : '';
      throw new AsmError(
        `${before.value} does not fit the 32 bits of an instruction's constant (-2147483648 to 2147483647)${hint}`,
        before.column,
        before.endColumn,
        'asm-range',
      );
    }
    return plain(`mov${left.half ? 32 : 64}_imm`, { dst: left.number, imm: Number(BigInt.asIntN(32, before.value)) });
  }
  if (left.half) throw new AsmError(`a 64-bit constant needs the whole register, r${left.number}`, left.token.column, left.token.endColumn);
  const value = cursor.imm64();
  if (!cursor.accept('ll') && options.opcode !== 0x18)
    throw new AsmError('expected ll behind a 64-bit constant', start.column, start.endColumn);
  return wideConstant(left.number, value);
}

function load(cursor: Cursor, left: RegisterOperand): ParsedInsn {
  cursor.next();
  const { size, signed, token } = pointerType(cursor);
  if (cursor.is('skb')) {
    cursor.next();
    if (signed || size === 8) throw new AsmError('packet loads take u8, u16 or u32', token.column, token.endColumn);
    if (left.number !== 0) throw new AsmError('a packet load always goes to r0', left.token.column, left.token.endColumn);
    cursor.expect('[');
    let result: ParsedInsn;
    if (cursor.isRegister()) {
      const src = cursor.wideRegister();
      // The kernel prints `r1 + -4`.
      if (cursor.is('+') && cursor.is('-', 1)) cursor.next();
      result = plain(`ldind${SUFFIX[size]}`, { src, imm: cursor.is(']') ? 0 : cursor.imm32('"]" or a signed offset') });
    } else {
      result = plain(`ldabs${SUFFIX[size]}`, { imm: cursor.imm32('a register or an offset') });
    }
    cursor.expect(']');
    return result;
  }
  const { base, off } = address(cursor);
  if (signed) {
    if (size === 8) throw new AsmError('a load of 8 bytes has no sign to extend; write u64', token.column, token.endColumn);
    if (left.half)
      throw new AsmError(`a signed load fills the whole register; use r${left.number}`, left.token.column, left.token.endColumn);
    return plain(`ldxs${SUFFIX[size]}`, { dst: left.number, src: base, off });
  }
  if (size === 8 && left.half)
    throw new AsmError(`${left.token.text} has 32 bits and the load 64; use r${left.number}`, left.token.column, left.token.endColumn);
  return plain(`ldx${SUFFIX[size]}`, { dst: left.number, src: base, off });
}

function signExtension(cursor: Cursor, left: RegisterOperand): ParsedInsn {
  cursor.expect('(');
  const token = cursor.peek();
  const match = token ? /^s(8|16|32)$/.exec(token.text) : null;
  const width = left.half ? 32 : 64;
  if (!token || !match) throw cursor.fail('s8, s16 or s32');
  if (Number(match[1]) >= width) throw new AsmError(`${token.text} is no narrower than ${left.token.text}`, token.column, token.endColumn);
  cursor.next();
  cursor.expect(')');
  return plain(`movsx${match[1]}_${width}`, { dst: left.number, src: sameWidth(cursor.register(), left).number });
}

function addressOf(cursor: Cursor, left: RegisterOperand): ParsedInsn {
  cursor.next();
  if (cursor.accept('(')) {
    cursor.expect('void');
    cursor.expect('__percpu');
    cursor.expect('*');
    cursor.expect(')');
    cursor.expect('(');
    const src = cursor.wideRegister();
    cursor.expect(')');
    return plain('mov64_percpu', { dst: left.number, src });
  }
  return symbolAddress(cursor, left, cursor.name('a map or a symbol'));
}

function symbolAddress(cursor: Cursor, left: RegisterOperand, token: Token): ParsedInsn {
  if (left.half) throw new AsmError(`an address needs the whole register, r${left.number}`, left.token.column, left.token.endColumn);
  const addend = cursor.is('+') || cursor.is('-') ? cursor.imm32('an offset') : 0;
  return {
    insns: ldImm64(left.number, 0, addend, 0),
    reference: { kind: 'address', name: token.text, addend, column: token.column, endColumn: token.endColumn },
  };
}

const FETCH_OPERATIONS: Readonly<Record<string, number>> = {
  add: BPF_ADD | BPF_FETCH,
  or: BPF_OR | BPF_FETCH,
  and: BPF_AND | BPF_FETCH,
  xor: BPF_XOR | BPF_FETCH,
};

/** `rN = word…`: everything that starts with a name. */
function named(cursor: Cursor, left: RegisterOperand): ParsedInsn {
  const token = cursor.name('a register, a number, a load or a symbol');
  const { text } = token;
  const dst = left.number;
  const swap = /^(be|le|bswap)(16|32|64)$/.exec(text);
  if (swap && cursor.isRegister()) {
    const right = cursor.register();
    if (left.half || right.half) throw new AsmError(`${text} works on whole registers`, right.token.column, right.token.endColumn);
    if (right.number !== dst)
      throw new AsmError(`${text} works in place: write r${dst} = ${text} r${dst}`, right.token.column, right.token.endColumn);
    return plain(text, { dst });
  }
  if (cursor.is('(')) {
    const fetch = /^atomic(64)?_fetch_(add|or|and|xor)$/.exec(text);
    const exchange = /^atomic(64)?_(xchg|cmpxchg)$/.exec(text);
    const bare = /^(xchg|cmpxchg)(_64|32_32)$/.exec(text);
    if (fetch || exchange || bare)
      return atomic(cursor, left, token, fetch?.[2] ?? exchange?.[2] ?? bare![1]!, bare ? (bare[2] === '_64' ? 8 : 4) : undefined);
    if (text === 'load_acquire') {
      cursor.expect('(');
      const { size, base, off } = typedAddress(cursor);
      cursor.expect(')');
      if (size === 8 && left.half)
        throw new AsmError(`${left.token.text} has 32 bits and the load 64; use r${dst}`, left.token.column, left.token.endColumn);
      return plain(`load_acquire${size * 8}`, { dst, src: base, off, imm: BPF_LOAD_ACQ });
    }
    if (text === 'addr_space_cast') return addressSpaceCast(cursor, left);
    throw new AsmError(`there is no operation ${text}()`, token.column, token.endColumn);
  }
  if (text === 'map' && cursor.is('[')) return mapReference(cursor, left);
  if (text === 'subprog' && cursor.is('[')) {
    cursor.next();
    const distance = cursor.distance(32, 'a distance');
    cursor.expect(']');
    return { insns: ldImm64(dst, BPF_PSEUDO_FUNC, distance, 0) };
  }
  const result = symbolAddress(cursor, left, token);
  if (!cursor.accept('ll')) throw cursor.fail(`"ll" behind ${text} (r${dst} = ${text} ll, or r${dst} = &${text})`);
  return result;
}

function atomic(cursor: Cursor, left: RegisterOperand, token: Token, operation: string, bareSize: Size | undefined): ParsedInsn {
  cursor.expect('(');
  let size: Size;
  let base: number;
  let off: number;
  if (bareSize === undefined) {
    ({ size, base, off } = typedAddress(cursor));
  } else {
    size = bareSize;
    base = cursor.wideRegister();
    off = cursor.offset();
  }
  if (size < 4) throw new AsmError('atomic operations move 4 or 8 bytes: u32 or u64', token.column, token.endColumn);
  cursor.expect(',');
  if (operation === 'cmpxchg') {
    const expected = cursor.register('r0');
    if (expected.number !== 0) throw new AsmError('cmpxchg compares with r0, always', expected.token.column, expected.token.endColumn);
    cursor.expect(',');
  }
  const src = valueRegister(cursor, size);
  cursor.expect(')');
  const result = operation === 'cmpxchg' ? 0 : src;
  if (left.number !== result)
    throw new AsmError(
      `${token.text} leaves the value from before in ${operation === 'cmpxchg' ? 'r0' : `its last operand, r${src}`}`,
      left.token.column,
      left.token.endColumn,
    );
  const imm = FETCH_OPERATIONS[operation] ?? (operation === 'xchg' ? BPF_XCHG : BPF_CMPXCHG);
  return plain(`atomic_${FETCH_OPERATIONS[operation] === undefined ? '' : 'fetch_'}${operation}${size * 8}`, { dst: base, src, off, imm });
}

function addressSpaceCast(cursor: Cursor, left: RegisterOperand): ParsedInsn {
  cursor.expect('(');
  const src = cursor.wideRegister();
  cursor.expect(',');
  const to = cursor.integer('an address space');
  cursor.expect(',');
  const from = cursor.integer('an address space');
  cursor.expect(')');
  const id =
    to.value === 0n && from.value === 1n
      ? 'addr_space_cast_kernel'
      : to.value === 1n && from.value === 0n
        ? 'addr_space_cast_user'
        : undefined;
  if (id === undefined)
    throw new AsmError('address spaces are 0 and 1: addr_space_cast(rN, 0, 1) or addr_space_cast(rN, 1, 0)', to.column, from.endColumn);
  return plain(id, { dst: left.number, src });
}

/** `map[counts]`, and bpftool's `map[id:5]`, `map[id:5][0]+8`, `map[idx:1]+8`. */
function mapReference(cursor: Cursor, left: RegisterOperand): ParsedInsn {
  cursor.expect('[');
  const token = cursor.name("a map's name, id: or idx:");
  if ((token.text !== 'id' && token.text !== 'idx') || !cursor.is(':')) {
    cursor.expect(']');
    return symbolAddress(cursor, left, token);
  }
  cursor.next();
  const id = cursor.word32("a map's number");
  cursor.expect(']');
  let inValue = token.text === 'idx';
  if (cursor.accept('[')) {
    cursor.expect('0');
    cursor.expect(']');
    inValue = true;
  }
  if (!inValue) return { insns: ldImm64(left.number, BPF_PSEUDO_MAP_FD, id, 0) };
  return {
    insns: ldImm64(
      left.number,
      token.text === 'idx' ? BPF_PSEUDO_MAP_IDX_VALUE : BPF_PSEUDO_MAP_VALUE,
      id,
      cursor.is('+') ? cursor.word32('an offset') : 0,
    ),
  };
}

export const CALL_SOURCE = { local: BPF_PSEUDO_CALL, kfunc: BPF_PSEUDO_KFUNC_CALL } as const;
