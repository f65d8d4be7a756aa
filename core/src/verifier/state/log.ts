// The kernel's log: what it prints about instructions, registers and stack, at levels 1, 2 and 4.
// Decides nothing; reading the log back is not done here.

import { asS64, asU64 } from '#core/bytes';
import { formatSigned, formatUnsigned, type Scalar, S32_MAX, S32_MIN, S64_MAX, S64_MIN, U32_MAX, U64_MAX } from '../numbers/scalar.ts';
import { formatTnum } from '../numbers/tnum.ts';
import {
  baseType,
  CONST_PTR_TO_DYNPTR,
  CONST_PTR_TO_MAP,
  isNonOwningReference,
  isPacketPointer,
  NOT_INIT,
  PTR_TO_ARENA,
  PTR_TO_BTF_ID,
  PTR_TO_MAP_KEY,
  PTR_TO_MAP_VALUE,
  PTR_TO_MEM,
  PTR_TO_STACK,
  type Register,
  SCALAR_VALUE,
  typeName,
} from './registers.ts';
import {
  byteKind,
  type Frame,
  SLOT_LETTERS,
  STACK_DYNPTR,
  STACK_INVALID,
  STACK_ITER,
  STACK_IRQ_FLAG,
  STACK_SPILL,
  type VerifierState,
} from './state.ts';

export const LOG_LEVEL1 = 1;
export const LOG_LEVEL2 = 2;
export const LOG_LEVEL = LOG_LEVEL1 | LOG_LEVEL2;
export const LOG_STATS = 4;

/** Characters of a log's end that are kept; libbpf asks the kernel for 16 MB. */
const KEPT = 32 << 20;

/**
 * Text that can be cut back: at level 1 the kernel forgets the lines of paths that turned out safe. Of a log that grows without end the
 * last lines are kept, as in the kernel, which writes round and round in the loader's buffer (BPF_LOG_FIXED is not set).
 */
export class VerifierLog {
  private chunks: string[] = [];
  /** Position of the first character kept. */
  private start = 0;
  position = 0;

  constructor(
    readonly level: number,
    private readonly kept = KEPT,
  ) {}

  write(text: string): void {
    if (this.level === 0) return;
    this.chunks.push(text);
    this.position += text.length;
    if (this.position - this.start > 2 * this.kept) this.forget();
  }

  private forget(): void {
    let gone = 0;
    while (this.position - this.start > this.kept) this.start += this.chunks[gone++]!.length;
    this.chunks.splice(0, gone);
  }

  truncate(position: number): void {
    while (this.position > position) {
      const last = this.chunks.pop();
      if (last === undefined) {
        this.start = this.position = position;
        return;
      }
      this.position -= last.length;
      if (this.position < position) {
        this.chunks.push(last.slice(0, position - this.position));
        this.position = position;
      }
    }
  }

  text(): string {
    const text = this.chunks.join('');
    // The line in which the beginning was lost goes with it.
    return this.start > 0 ? text.slice(text.indexOf('\n') + 1) : text;
  }
}

/** Smallest and largest values; equal ones share a number, as `smin=umin=1`. */
function formatRanges(s: Scalar): string[] {
  const entries = [
    { name: 'smin', value: asU64(s.smin), omit: s.smin === S64_MIN },
    { name: 'smax', value: asU64(s.smax), omit: s.smax === S64_MAX },
    { name: 'umin', value: s.umin, omit: s.umin === 0n },
    { name: 'umax', value: s.umax, omit: s.umax === U64_MAX },
    // A small negative 32-bit number looks like the 64-bit one; a large one keeps its 32 bits.
    {
      name: 'smin32',
      value: s.s32min >= -0x8000 && s.s32min <= 0x7fff ? asU64(BigInt(s.s32min)) : BigInt(s.s32min >>> 0),
      omit: s.s32min === S32_MIN,
    },
    {
      name: 'smax32',
      value: s.s32max >= -0x8000 && s.s32max <= 0x7fff ? asU64(BigInt(s.s32max)) : BigInt(s.s32max >>> 0),
      omit: s.s32max === S32_MAX,
    },
    { name: 'umin32', value: BigInt(s.u32min), omit: s.u32min === 0 },
    { name: 'umax32', value: BigInt(s.u32max), omit: s.u32max === U32_MAX },
  ];
  const parts: string[] = [];
  entries.forEach((entry, index) => {
    if (entry.omit) return;
    const signed = entry.name.startsWith('s');
    const negative = signed && asS64(entry.value) < 0n;
    let text = `${entry.name}=`;
    for (let other = index + 2; other < entries.length; other += 2) {
      const candidate = entries[other]!;
      if (candidate.omit || candidate.value !== entry.value) continue;
      if ((candidate.name.startsWith('s') && asS64(candidate.value) < 0n) !== negative) continue;
      candidate.omit = true;
      text += `${candidate.name}=`;
    }
    parts.push(text + (signed ? formatSigned(asS64(entry.value)) : formatUnsigned(entry.value)));
  });
  return parts;
}

/** One register as the log prints it behind `R1=`. */
export function formatRegister(register: Register, frameNumber: number, precise = false): string {
  const { type, scalar } = register;
  let text = '';
  if (type === SCALAR_VALUE && precise) text += 'P';
  if (type === SCALAR_VALUE && scalar.mask === 0n) return text + formatSigned(asS64(scalar.value));
  text += typeName(type);
  if (type === PTR_TO_ARENA) return text;
  if (type === PTR_TO_STACK) {
    if (register.frame !== frameNumber) text += `[${register.frame}]`;
    if (scalar.mask === 0n) return text + formatSigned(asS64(asU64(scalar.value + BigInt(register.off))));
  }
  const base = baseType(type);
  if (base === PTR_TO_BTF_ID) text += register.btf?.type(register.btfId)?.name ?? '';
  const parts: string[] = [];
  if (register.id) parts.push(`id=${register.id}${register.addConst ? (register.off >= 0 ? '+' : '') + String(register.off) : ''}`);
  if (register.refObjId) parts.push(`ref_obj_id=${register.refObjId}`);
  if (isNonOwningReference(type)) parts.push('non_own_ref');
  if ((base === CONST_PTR_TO_MAP || base === PTR_TO_MAP_KEY || base === PTR_TO_MAP_VALUE) && register.map) {
    if (register.map.name) parts.push(`map=${register.map.name}`);
    parts.push(`ks=${register.map.keySize},vs=${register.map.valueSize}`);
  }
  if (type !== SCALAR_VALUE && register.off) parts.push(`off=${formatSigned(BigInt(register.off))}`);
  if (isPacketPointer(type)) parts.push(`r=${formatUnsigned(asU64(BigInt(register.range)))}`);
  if (base === PTR_TO_MEM) parts.push(`sz=${formatUnsigned(BigInt(register.memSize))}`);
  if (type === CONST_PTR_TO_DYNPTR) parts.push(`type=${register.dynptr}`);
  if (scalar.mask === 0n) {
    if (scalar.value) parts.push(`imm=${formatSigned(asS64(scalar.value))}`);
  } else {
    parts.push(...formatRanges(scalar));
    if (!(scalar.value === 0n && scalar.mask === U64_MAX)) parts.push(`var_off=${formatTnum(scalar)}`);
  }
  return `${text}(${parts.join(',')})`;
}

/** Registers and slots to print; all of them without it. */
export interface Scratched {
  registers: number;
  hasSlot(slot: number): boolean;
}

const iteratorName = (register: Register): string =>
  (register.btf?.type(register.btfId)?.name ?? 'bpf_iter_<invalid>').slice('bpf_iter_'.length);

/** The state's line, with a leading blank before each part and without the newline. */
export function formatState(state: VerifierState, frame: Frame, scratched?: Scratched): string {
  let text = '';
  if (frame.number) text += ` frame${frame.number}:`;
  frame.registers.forEach((register, i) => {
    if (register.type === NOT_INIT) return;
    if (scratched && !((scratched.registers >>> i) & 1)) return;
    text += ` R${i}=${formatRegister(register, frame.number, ((frame.preciseRegisters >>> i) & 1) !== 0)}`;
  });
  for (let i = 0; i < frame.stack.length; i++) {
    if (scratched && !scratched.hasSlot(i)) continue;
    let slot = frame.stack[i]!;
    if (slot.kinds === 0) continue;
    let letters = '';
    for (let j = 0; j < 8; j++) letters += SLOT_LETTERS[byteKind(slot, j)];
    switch (byteKind(slot, 7)) {
      case STACK_SPILL: {
        let first = 0;
        while (first < 8 && byteKind(slot, first) !== STACK_SPILL) first++;
        text += ` fp${(-i - 1) * 8}=${letters.slice(0, first)}${formatRegister(slot.register, frame.number, frame.preciseSlots.has(i))}`;
        break;
      }
      case STACK_DYNPTR: {
        i++;
        slot = frame.stack[i] ?? slot;
        const { register } = slot;
        const parts = [];
        if (register.id) parts.push(`id=${register.id}`);
        if (register.refObjId) parts.push(`ref_id=${register.refObjId}`);
        // The kernel prints the mark of the first slot here: both lie in the same word.
        parts.push('dynptr_id=1');
        text += ` fp${(-i - 1) * 8}=dynptr_${register.dynptr}(${parts.join(',')})`;
        break;
      }
      case STACK_ITER:
        if (!slot.register.refObjId) continue;
        text += ` fp${(-i - 1) * 8}=iter_${iteratorName(slot.register)}(ref_id=${slot.register.refObjId},state=${slot.register.iterator},depth=${slot.register.iteratorDepth})`;
        break;
      case STACK_IRQ_FLAG:
      case STACK_INVALID:
      default:
        text += ` fp${(-i - 1) * 8}=${letters}`;
    }
  }
  const ids = state.references.map((reference) => reference.id);
  if (ids.length > 0 && ids[0]) text += ` refs=${ids.filter((id) => id !== 0).join(',')}`;
  if (frame.inCallback) text += ' cb';
  if (frame.inAsyncCallback) text += ' async_cb';
  return text;
}
