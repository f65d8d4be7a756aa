// The one table of instructions: RFC 9669 and what Linux adds up to 6.18. Decoder, text forms, engines, verifier and
// language server read it. A row says which fields an instruction uses; every other field must be zero.
// It knows nothing of programs: jump targets, register states and helper ids are checked elsewhere.

import {
  BPF_ABS, BPF_ADD, BPF_ALU, BPF_ALU64, BPF_AND, BPF_ARSH, BPF_ATOMIC, BPF_B, BPF_CALL, BPF_CMPXCHG, BPF_DIV, BPF_DW, BPF_END, BPF_EXIT,
  BPF_FETCH, BPF_H, BPF_IMM, BPF_IND, BPF_JA, BPF_JCOND, BPF_JEQ, BPF_JGE, BPF_JGT, BPF_JLE, BPF_JLT, BPF_JMP, BPF_JMP32, BPF_JNE, BPF_JSET,
  BPF_JSGE, BPF_JSGT, BPF_JSLE, BPF_JSLT, BPF_K, BPF_LD, BPF_LDX, BPF_LOAD_ACQ, BPF_LSH, BPF_MEM, BPF_MEMSX, BPF_MOD, BPF_MOV, BPF_MUL,
  BPF_NEG, BPF_OR, BPF_RSH, BPF_ST, BPF_STORE_REL, BPF_STX, BPF_SUB, BPF_W, BPF_X, BPF_XCHG, BPF_XOR, type Insn,
} from './encoding.ts';

export type Field = 'dst' | 'src' | 'off' | 'imm';

/** What an instruction does, as far as a reader has to tell kinds apart. */
export type Kind =
  /** dst = dst op operand; `neg` has no operand. */
  | 'alu'
  | 'mov'
  /** mov with sign extension; `size` bytes are extended. */
  | 'movsx'
  /** be, le, bswap; `size` is the width swapped. */
  | 'endian'
  | 'addr_space_cast'
  | 'percpu_address'
  | 'load'
  /** Load with sign extension. */
  | 'load_sx'
  | 'store'
  | 'atomic'
  | 'load_acquire'
  | 'store_release'
  | 'ld_imm64'
  /** LD_ABS and LD_IND. */
  | 'packet'
  /** Conditional jump. */
  | 'jump'
  | 'goto'
  | 'may_goto'
  | 'call'
  | 'exit';

/** Conformance groups of RFC 9669 section 2.4, and `linux` for what the RFC does not have. */
export type Group = 'base32' | 'base64' | 'atomic32' | 'atomic64' | 'divmul32' | 'divmul64' | 'packet' | 'callx' | 'linux';

export interface Instruction {
  /** Unique: `add64_imm`, `ldxw`, `jeq32_reg`, `ld_imm64_map_fd`. */
  readonly id: string;
  readonly opcode: number;
  /** Values that tell the forms of one opcode apart. */
  readonly fixed: Readonly<Partial<Record<Field, number>>>;
  /** Operands. A field that is neither here nor in `fixed` must be zero. */
  readonly uses: readonly Field[];
  /** ld_imm64: whether the second slot's imm is an operand too. */
  readonly usesNextImm?: boolean;
  readonly kind: Kind;
  /** The operation without width: `add`, `jeq`, `cmpxchg`, `ldx`, `helper`, `map_value`. */
  readonly operation: string;
  /** Operator of the pseudo-C form (`+=`, `s>`), where it has one. */
  readonly operator?: string;
  /** Of ALU and jumps: width of the operation in bits. Of the rest 64. */
  readonly width: 32 | 64;
  /** Bytes moved, swapped or extended; 0 where that says nothing. */
  readonly size: 0 | 1 | 2 | 4 | 8;
  /** The classic mnemonic (uBPF, bpf_conformance). */
  readonly mnemonic: string;
  readonly group: Group;
  /** First Linux release that takes it; undefined where none does up to 6.18. */
  readonly since: `${number}.${number}` | undefined;
  /** One sentence for people. */
  readonly summary: string;
  /** Made by the kernel itself (bpf_insn rewrites); a program that brings it is refused. */
  readonly kernelInternal?: true;
}

type Release = `${number}.${number}`;

interface AluRow {
  op: number;
  name: string;
  operator: string;
  group?: 'divmul';
  /** BPF_MOD and BPF_DIV: 0 is unsigned, 1 signed. */
  off?: 0 | 1;
  since: Release;
  summary: string;
}

const ALU_ROWS = [
  { op: BPF_ADD, name: 'add', operator: '+=', since: '3.18', summary: 'Adds the operand to the destination; overflow wraps around.' },
  { op: BPF_SUB, name: 'sub', operator: '-=', since: '3.18', summary: 'Subtracts the operand from the destination; underflow wraps around.' },
  { op: BPF_MUL, name: 'mul', operator: '*=', group: 'divmul', since: '3.18', summary: 'Multiplies the destination by the operand and keeps the low bits.' },
  { op: BPF_DIV, name: 'div', operator: '/=', group: 'divmul', off: 0, since: '3.18', summary: 'Unsigned division; division by zero gives 0.' },
  { op: BPF_DIV, name: 'sdiv', operator: 's/=', group: 'divmul', off: 1, since: '6.6', summary: 'Signed division, rounded towards zero; division by zero gives 0, the smallest value divided by -1 stays itself.' },
  { op: BPF_OR, name: 'or', operator: '|=', since: '3.18', summary: 'Bitwise or of the destination and the operand.' },
  { op: BPF_AND, name: 'and', operator: '&=', since: '3.18', summary: 'Bitwise and of the destination and the operand.' },
  { op: BPF_LSH, name: 'lsh', operator: '<<=', since: '3.18', summary: 'Shifts left; only the low 6 bits of the count matter (5 in the 32-bit form).' },
  { op: BPF_RSH, name: 'rsh', operator: '>>=', since: '3.18', summary: 'Shifts right and fills with zeros; only the low 6 bits of the count matter (5 in the 32-bit form).' },
  { op: BPF_MOD, name: 'mod', operator: '%=', group: 'divmul', off: 0, since: '3.18', summary: 'Unsigned remainder; modulo zero leaves the destination as it is.' },
  { op: BPF_MOD, name: 'smod', operator: 's%=', group: 'divmul', off: 1, since: '6.6', summary: 'Signed remainder with the sign of the dividend; modulo zero leaves the destination as it is.' },
  { op: BPF_XOR, name: 'xor', operator: '^=', since: '3.18', summary: 'Bitwise exclusive or of the destination and the operand.' },
  { op: BPF_ARSH, name: 'arsh', operator: 's>>=', since: '3.18', summary: 'Shifts right and fills with the sign bit; only the low 6 bits of the count matter (5 in the 32-bit form).' },
] as const satisfies readonly AluRow[];

interface JumpRow {
  op: number;
  name: string;
  operator: string;
  since: Release;
  condition: string;
}

const JUMP_ROWS = [
  { op: BPF_JEQ, name: 'jeq', operator: '==', since: '3.18', condition: 'both operands are equal' },
  { op: BPF_JGT, name: 'jgt', operator: '>', since: '3.18', condition: 'the first operand is greater, unsigned' },
  { op: BPF_JGE, name: 'jge', operator: '>=', since: '3.18', condition: 'the first operand is greater or equal, unsigned' },
  { op: BPF_JSET, name: 'jset', operator: '&', since: '3.18', condition: 'the operands have a set bit in common' },
  { op: BPF_JNE, name: 'jne', operator: '!=', since: '3.18', condition: 'the operands differ' },
  { op: BPF_JSGT, name: 'jsgt', operator: 's>', since: '3.18', condition: 'the first operand is greater, signed' },
  { op: BPF_JSGE, name: 'jsge', operator: 's>=', since: '3.18', condition: 'the first operand is greater or equal, signed' },
  { op: BPF_JLT, name: 'jlt', operator: '<', since: '4.14', condition: 'the first operand is less, unsigned' },
  { op: BPF_JLE, name: 'jle', operator: '<=', since: '4.14', condition: 'the first operand is less or equal, unsigned' },
  { op: BPF_JSLT, name: 'jslt', operator: 's<', since: '4.14', condition: 'the first operand is less, signed' },
  { op: BPF_JSLE, name: 'jsle', operator: 's<=', since: '4.14', condition: 'the first operand is less or equal, signed' },
] as const satisfies readonly JumpRow[];

interface SizeRow {
  field: number;
  size: 1 | 2 | 4 | 8;
  /** Suffix of the classic mnemonics. */
  suffix: string;
}

const SIZE_ROWS = [
  { field: BPF_B, size: 1, suffix: 'b' },
  { field: BPF_H, size: 2, suffix: 'h' },
  { field: BPF_W, size: 4, suffix: 'w' },
  { field: BPF_DW, size: 8, suffix: 'dw' },
] as const satisfies readonly SizeRow[];

interface AtomicRow {
  imm: number;
  name: string;
  operator?: string;
  since: Release;
  summary: string;
}

const ATOMIC_ROWS = [
  { imm: BPF_ADD, name: 'add', operator: '+=', since: '3.18', summary: 'Adds the source to memory in one step that no other CPU sees halfway.' },
  { imm: BPF_OR, name: 'or', operator: '|=', since: '5.12', summary: 'Sets the source\'s bits in memory atomically.' },
  { imm: BPF_AND, name: 'and', operator: '&=', since: '5.12', summary: 'Keeps only the source\'s bits in memory atomically.' },
  { imm: BPF_XOR, name: 'xor', operator: '^=', since: '5.12', summary: 'Flips the source\'s bits in memory atomically.' },
  { imm: BPF_ADD | BPF_FETCH, name: 'fetch_add', since: '5.12', summary: 'Adds the source to memory atomically and leaves the value from before in the source.' },
  { imm: BPF_OR | BPF_FETCH, name: 'fetch_or', since: '5.12', summary: 'Ors the source into memory atomically and leaves the value from before in the source.' },
  { imm: BPF_AND | BPF_FETCH, name: 'fetch_and', since: '5.12', summary: 'Ands the source into memory atomically and leaves the value from before in the source.' },
  { imm: BPF_XOR | BPF_FETCH, name: 'fetch_xor', since: '5.12', summary: 'Xors the source into memory atomically and leaves the value from before in the source.' },
  { imm: BPF_XCHG, name: 'xchg', since: '5.12', summary: 'Swaps the source with memory atomically.' },
  { imm: BPF_CMPXCHG, name: 'cmpxchg', since: '5.12', summary: 'Writes the source to memory if memory equals r0, atomically; r0 gets the value from before either way.' },
] as const satisfies readonly AtomicRow[];

interface ImmediateRow {
  src: number;
  name: string;
  usesNextImm: boolean;
  since: Release;
  summary: string;
}

const LD_IMM64_ROWS = [
  { src: 0, name: 'value', usesNextImm: true, since: '3.18', summary: 'Loads a 64-bit constant; it takes two slots.' },
  { src: 1, name: 'map_fd', usesNextImm: false, since: '3.18', summary: 'Loads the address of a map, named by its file descriptor.' },
  { src: 2, name: 'map_value', usesNextImm: true, since: '5.2', summary: 'Loads the address of a byte in an array map\'s first value, as global variables are reached.' },
  { src: 3, name: 'btf_id', usesNextImm: true, since: '5.10', summary: 'Loads the address of a kernel variable, named by its BTF id.' },
  { src: 4, name: 'func', usesNextImm: false, since: '5.13', summary: 'Loads the address of a subprogram, to be given to a helper as callback.' },
  { src: 5, name: 'map_idx', usesNextImm: false, since: '5.14', summary: 'Loads the address of a map, named by its index into the fd array of the load.' },
  { src: 6, name: 'map_idx_value', usesNextImm: true, since: '5.14', summary: 'Loads the address of a byte in an array map\'s first value, the map named by its index into the fd array.' },
] as const satisfies readonly ImmediateRow[];

interface CallRow {
  src: number;
  name: string;
  uses: readonly Field[];
  since: Release;
  summary: string;
}

const CALL_ROWS = [
  { src: 0, name: 'helper', uses: ['imm'], since: '3.18', summary: 'Calls a helper by its number: arguments in r1 to r5, result in r0; r1 to r5 are lost.' },
  { src: 1, name: 'local', uses: ['imm'], since: '4.16', summary: 'Calls a subprogram of the same program; r6 to r9 are kept, and it has a stack frame of its own.' },
  { src: 2, name: 'kfunc', uses: ['imm', 'off'], since: '5.13', summary: 'Calls a kernel function by its BTF id; off names the module\'s BTF in the fd array, 0 is the kernel itself.' },
] as const satisfies readonly CallRow[];

const zeroExtends = (width: 32 | 64): string => (width === 32 ? ' The upper half of the destination becomes zero.' : '');

function aluInstructions(): Instruction[] {
  const rows: Instruction[] = [];
  for (const width of [64, 32] as const) {
    const aluClass = width === 64 ? BPF_ALU64 : BPF_ALU;
    const suffix = width === 64 ? '' : '32';
    const base: Group = `base${width}`;
    for (const row of ALU_ROWS) {
      const group: Group = 'group' in row ? `divmul${width}` : base;
      for (const operand of ['imm', 'src'] as const) {
        rows.push({
          id: `${row.name}${width}_${operand === 'imm' ? 'imm' : 'reg'}`,
          opcode: aluClass | row.op | (operand === 'imm' ? BPF_K : BPF_X),
          fixed: 'off' in row ? { off: row.off } : {},
          uses: ['dst', operand],
          kind: 'alu',
          operation: row.name,
          operator: row.operator,
          width,
          size: 0,
          mnemonic: `${row.name}${suffix}`,
          group,
          since: row.since,
          summary: row.summary + zeroExtends(width),
        });
      }
    }
    rows.push({
      id: `neg${width}`, opcode: aluClass | BPF_NEG | BPF_K, fixed: {}, uses: ['dst'], kind: 'alu', operation: 'neg', width, size: 0,
      mnemonic: `neg${suffix}`, group: base, since: '3.18', summary: `Negates the destination (two's complement).${zeroExtends(width)}`,
    });
    rows.push({
      id: `mov${width}_imm`, opcode: aluClass | BPF_MOV | BPF_K, fixed: {}, uses: ['dst', 'imm'], kind: 'mov', operation: 'mov', operator: '=', width, size: 0,
      mnemonic: `mov${suffix}`, group: base, since: '3.18',
      summary: width === 64 ? 'Sets the destination to the constant, sign-extended to 64 bits.' : 'Sets the lower half of the destination to the constant and the upper half to zero.',
    });
    rows.push({
      id: `mov${width}_reg`, opcode: aluClass | BPF_MOV | BPF_X, fixed: { off: 0 }, uses: ['dst', 'src'], kind: 'mov', operation: 'mov', operator: '=', width, size: 0,
      mnemonic: `mov${suffix}`, group: base, since: '3.18',
      summary: width === 64 ? 'Copies the source register.' : 'Copies the lower half of the source register; the upper half of the destination becomes zero.',
    });
    for (const size of [1, 2, 4] as const) {
      if (size * 8 === width) continue;
      rows.push({
        id: `movsx${size * 8}_${width}`, opcode: aluClass | BPF_MOV | BPF_X, fixed: { off: size * 8 }, uses: ['dst', 'src'], kind: 'movsx', operation: 'movsx', operator: '=',
        width, size, mnemonic: `movsx${size * 8}${width}`, group: base, since: '6.6',
        summary: `Copies the low ${size * 8} bits of the source, sign-extended to ${width} bits.${zeroExtends(width)}`,
      });
    }
  }
  for (const [order, source] of [['le', BPF_K], ['be', BPF_X]] as const) {
    for (const size of [2, 4, 8] as const) {
      rows.push({
        id: `${order}${size * 8}`, opcode: BPF_ALU | BPF_END | source, fixed: { imm: size * 8 }, uses: ['dst'], kind: 'endian', operation: order, width: 64, size,
        mnemonic: `${order}${size * 8}`, group: size === 8 ? 'base64' : 'base32', since: '3.18',
        summary: `Converts the low ${size * 8} bits between this machine's byte order and ${order === 'le' ? 'little' : 'big'} endian${size === 8 ? '' : '; the bits above become zero'}.`,
      });
    }
  }
  for (const size of [2, 4, 8] as const) {
    rows.push({
      id: `bswap${size * 8}`, opcode: BPF_ALU64 | BPF_END | BPF_K, fixed: { imm: size * 8 }, uses: ['dst'], kind: 'endian', operation: 'bswap', width: 64, size,
      mnemonic: `bswap${size * 8}`, group: size === 8 ? 'base64' : 'base32', since: '6.6',
      summary: `Reverses the bytes of the low ${size * 8} bits${size === 8 ? '' : '; the bits above become zero'}.`,
    });
  }
  for (const [suffix, imm, direction] of [['kernel', 1, 'a pointer into an arena to one that the kernel may use'], ['user', 0x10000, 'a kernel\'s arena pointer to the address that user space sees']] as const) {
    rows.push({
      id: `addr_space_cast_${suffix}`, opcode: BPF_ALU64 | BPF_MOV | BPF_X, fixed: { off: 1, imm }, uses: ['dst', 'src'], kind: 'addr_space_cast', operation: 'addr_space_cast',
      width: 64, size: 8, mnemonic: 'addr_space_cast', group: 'linux', since: '6.9', summary: `Converts ${direction}.`,
    });
  }
  rows.push({
    id: 'mov64_percpu', opcode: BPF_ALU64 | BPF_MOV | BPF_X, fixed: { off: -1 }, uses: ['dst', 'src'], kind: 'percpu_address', operation: 'mov_percpu',
    width: 64, size: 8, mnemonic: 'mov_percpu', group: 'linux', since: '6.10', kernelInternal: true,
    summary: 'Turns a per-CPU offset into this CPU\'s address; only the kernel itself makes this instruction.',
  });
  return rows;
}

function memoryInstructions(): Instruction[] {
  const rows: Instruction[] = [];
  for (const { field, size, suffix } of SIZE_ROWS) {
    const group: Group = size === 8 ? 'base64' : 'base32';
    const bytes = size === 1 ? 'one byte' : `${size} bytes`;
    rows.push({
      id: `ldx${suffix}`, opcode: BPF_LDX | BPF_MEM | field, fixed: {}, uses: ['dst', 'src', 'off'], kind: 'load', operation: 'ldx', width: 64, size,
      mnemonic: `ldx${suffix}`, group, since: '3.18', summary: `Loads ${bytes} from memory${size === 8 ? '' : ' and zero-extends them'}.`,
    });
    if (size !== 8) {
      rows.push({
        id: `ldxs${suffix}`, opcode: BPF_LDX | BPF_MEMSX | field, fixed: {}, uses: ['dst', 'src', 'off'], kind: 'load_sx', operation: 'ldxs', width: 64, size,
        mnemonic: `ldxs${suffix}`, group: 'base64', since: '6.6', summary: `Loads ${bytes} from memory and sign-extends them to 64 bits.`,
      });
    }
    rows.push({
      id: `st${suffix}`, opcode: BPF_ST | BPF_MEM | field, fixed: {}, uses: ['dst', 'off', 'imm'], kind: 'store', operation: 'st', width: 64, size,
      mnemonic: `st${suffix}`, group, since: '3.18', summary: `Stores a constant of ${bytes} to memory${size === 8 ? ', sign-extended from 32 bits' : ''}.`,
    });
    rows.push({
      id: `stx${suffix}`, opcode: BPF_STX | BPF_MEM | field, fixed: {}, uses: ['dst', 'src', 'off'], kind: 'store', operation: 'stx', width: 64, size,
      mnemonic: `stx${suffix}`, group, since: '3.18', summary: `Stores the low ${bytes} of the source to memory.`,
    });
    if (size >= 4) {
      for (const row of ATOMIC_ROWS) {
        rows.push({
          id: `atomic_${row.name}${size * 8}`, opcode: BPF_STX | BPF_ATOMIC | field, fixed: { imm: row.imm }, uses: ['dst', 'src', 'off'], kind: 'atomic', operation: row.name,
          ...('operator' in row ? { operator: row.operator } : {}), width: size === 8 ? 64 : 32, size,
          mnemonic: `lock ${row.name.replace('_', ' ')}${size === 8 ? '' : '32'}`, group: size === 8 ? 'atomic64' : 'atomic32', since: row.since, summary: row.summary,
        });
      }
    }
    rows.push({
      id: `load_acquire${size * 8}`, opcode: BPF_STX | BPF_ATOMIC | field, fixed: { imm: BPF_LOAD_ACQ }, uses: ['dst', 'src', 'off'], kind: 'load_acquire', operation: 'load_acquire',
      width: 64, size, mnemonic: `load_acquire${size * 8}`, group: 'linux', since: '6.15', summary: `Loads ${bytes} with acquire ordering: no later access happens before it.`,
    });
    rows.push({
      id: `store_release${size * 8}`, opcode: BPF_STX | BPF_ATOMIC | field, fixed: { imm: BPF_STORE_REL }, uses: ['dst', 'src', 'off'], kind: 'store_release', operation: 'store_release',
      width: 64, size, mnemonic: `store_release${size * 8}`, group: 'linux', since: '6.15', summary: `Stores ${bytes} with release ordering: every earlier access is done before it.`,
    });
    if (size !== 8) {
      rows.push({
        id: `ldabs${suffix}`, opcode: BPF_LD | BPF_ABS | field, fixed: {}, uses: ['imm'], kind: 'packet', operation: 'ldabs', width: 64, size,
        mnemonic: `ldabs${suffix}`, group: 'packet', since: '3.18',
        summary: `Loads ${bytes} of the packet at a constant offset into r0, in host byte order; ends the program with 0 where the packet is shorter. r6 must hold the skb.`,
      });
      rows.push({
        id: `ldind${suffix}`, opcode: BPF_LD | BPF_IND | field, fixed: {}, uses: ['src', 'imm'], kind: 'packet', operation: 'ldind', width: 64, size,
        mnemonic: `ldind${suffix}`, group: 'packet', since: '3.18',
        summary: `Loads ${bytes} of the packet at register plus constant into r0, in host byte order; ends the program with 0 where the packet is shorter. r6 must hold the skb.`,
      });
    }
  }
  for (const row of LD_IMM64_ROWS) {
    rows.push({
      id: row.src === 0 ? 'ld_imm64' : `ld_imm64_${row.name}`, opcode: BPF_LD | BPF_IMM | BPF_DW, fixed: { src: row.src }, uses: ['dst', 'imm'], usesNextImm: row.usesNextImm,
      kind: 'ld_imm64', operation: row.name, width: 64, size: 8, mnemonic: 'lddw', group: 'base64', since: row.since, summary: row.summary,
    });
  }
  return rows;
}

function jumpInstructions(): Instruction[] {
  const rows: Instruction[] = [];
  for (const width of [64, 32] as const) {
    const jumpClass = width === 64 ? BPF_JMP : BPF_JMP32;
    for (const row of JUMP_ROWS) {
      for (const operand of ['imm', 'src'] as const) {
        rows.push({
          id: `${row.name}${width}_${operand === 'imm' ? 'imm' : 'reg'}`,
          opcode: jumpClass | row.op | (operand === 'imm' ? BPF_K : BPF_X), fixed: {}, uses: ['dst', operand, 'off'], kind: 'jump', operation: row.name, operator: row.operator,
          width, size: 0, mnemonic: `${row.name}${width === 64 ? '' : '32'}`, group: `base${width}`, since: width === 32 ? '5.1' : row.since,
          summary: `Jumps if ${row.condition}${width === 32 ? ', looking at the lower halves only' : ''}.`,
        });
      }
    }
  }
  rows.push(
    { id: 'goto', opcode: BPF_JMP | BPF_JA, fixed: {}, uses: ['off'], kind: 'goto', operation: 'ja', width: 64, size: 0, mnemonic: 'ja', group: 'base64', since: '3.18', summary: 'Jumps always; the distance has 16 bits.' },
    { id: 'gotol', opcode: BPF_JMP32 | BPF_JA, fixed: {}, uses: ['imm'], kind: 'goto', operation: 'ja32', width: 32, size: 0, mnemonic: 'ja32', group: 'base32', since: '6.6', summary: 'Jumps always; the distance has 32 bits.' },
    { id: 'may_goto', opcode: BPF_JMP | BPF_JCOND, fixed: {}, uses: ['off'], kind: 'may_goto', operation: 'may_goto', width: 64, size: 0, mnemonic: 'may_goto', group: 'linux', since: '6.9', summary: 'Falls through as long as the loop\'s budget lasts and jumps when it is used up, so that a loop always ends.' },
    { id: 'callx', opcode: BPF_JMP | BPF_CALL | BPF_X, fixed: {}, uses: ['dst'], kind: 'call', operation: 'callx', width: 64, size: 0, mnemonic: 'callx', group: 'callx', since: undefined, summary: 'Calls the function that the register names. Linux does not take it.' },
    { id: 'exit', opcode: BPF_JMP | BPF_EXIT, fixed: {}, uses: [], kind: 'exit', operation: 'exit', width: 64, size: 0, mnemonic: 'exit', group: 'base32', since: '3.18', summary: 'Returns r0 to the caller: to the kernel, or to the function that called this subprogram.' },
  );
  for (const row of CALL_ROWS) {
    rows.push({
      id: `call_${row.name}`, opcode: BPF_JMP | BPF_CALL, fixed: { src: row.src }, uses: row.uses, kind: 'call', operation: row.name, width: 64, size: 0,
      mnemonic: 'call', group: row.src === 2 ? 'linux' : 'base32', since: row.since, summary: row.summary,
    });
  }
  return rows;
}

/** Every instruction, one row a form. */
export const INSTRUCTIONS: readonly Instruction[] = [...aluInstructions(), ...memoryInstructions(), ...jumpInstructions()];

const byOpcode: readonly (readonly Instruction[])[] = Array.from({ length: 256 }, (_, opcode) => INSTRUCTIONS.filter((row) => row.opcode === opcode));
const byId = new Map(INSTRUCTIONS.map((row) => [row.id, row]));

/** All rows that share an opcode; empty for a byte that is no opcode. */
export const formsOf = (opcode: number): readonly Instruction[] => byOpcode[opcode] ?? [];

/** The row with this id. */
export const instruction = (id: string): Instruction | undefined => byId.get(id);

function matches(row: Instruction, insn: Insn): boolean {
  const { fixed } = row;
  return (
    (fixed.off === undefined || fixed.off === insn.off) &&
    (fixed.imm === undefined || fixed.imm === insn.imm) &&
    (fixed.src === undefined || fixed.src === insn.src) &&
    (fixed.dst === undefined || fixed.dst === insn.dst)
  );
}

/**
 * The row of an instruction, or undefined where there is none. Reserved fields are not looked at (checkEncoding does that);
 * the second slot of an ld_imm64 is no instruction.
 */
export function lookup(insn: Insn): Instruction | undefined {
  const forms = byOpcode[insn.opcode];
  return forms?.find((row) => matches(row, insn));
}
