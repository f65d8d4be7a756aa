// Instructions that load and store: plain, sign-extending, atomic, packet loads, and constants.

import {
  accessSize,
  BPF_ABS,
  BPF_ADD,
  BPF_AND,
  BPF_ATOMIC,
  BPF_CMPXCHG,
  BPF_DW,
  BPF_FETCH,
  BPF_IMM,
  BPF_IND,
  BPF_LOAD_ACQ,
  BPF_MEM,
  BPF_MEMSX,
  BPF_OR,
  BPF_PSEUDO_BTF_ID,
  BPF_PSEUDO_FUNC,
  BPF_PSEUDO_MAP_IDX_VALUE,
  BPF_PSEUDO_MAP_VALUE,
  BPF_STORE_REL,
  BPF_W,
  BPF_XCHG,
  BPF_XOR,
  type Insn,
  ldImm64Value,
  modeField,
  sizeField,
} from '#core/isa';
import { clearCallerSaved, exitFunction } from '../calls/calls.ts';
import { knowsAcquireAndRelease } from '../target/kernel-rules.ts';
import { checkResourceLeak } from '../flow/check-exit.ts';
import { accessMemory, checkPointerOffset } from './check-memory.ts';
import { checkSource, checkTarget } from './check-registers.ts';
import { constant, ZERO } from '../numbers/scalar.ts';
import type { VerifierEnvironment } from '../state/environment.ts';
import { kernelSymbol } from '../objects/kernel-symbols.ts';
import {
  baseType,
  CONST_PTR_TO_MAP,
  isPacketPointer,
  isSocketPointer,
  MEM_RDONLY,
  pointerRegister,
  PTR_TO_ARENA,
  PTR_TO_BTF_ID,
  PTR_TO_CTX,
  PTR_TO_FLOW_KEYS,
  PTR_TO_FUNC,
  PTR_TO_MAP_VALUE,
  PTR_TO_MEM,
  PTR_TO_SOCKET,
  PTR_TO_SOCK_COMMON,
  PTR_TO_TCP_SOCK,
  PTR_TO_XDP_SOCK,
  PTR_UNTRUSTED,
  scalarRegister,
  typeName,
  unknownRegister,
} from '../state/registers.ts';
import { checkInvariants } from '../numbers/transfer-alu.ts';

/** LDX: memory to register. */
export function transferLoad(env: VerifierEnvironment, insn: Insn): void {
  const source = checkSource(env, insn.src);
  checkTarget(env, insn.dst);
  const signExtends = modeField(insn) === BPF_MEMSX;
  accessMemory(env, insn.src, insn.off, { write: false, size: accessSize(insn), value: insn.dst, signExtends });
  rememberPointerType(env, source.type, true);
  checkInvariants(env, insn.dst, 'ldx');
}

/** STX, not atomic: register to memory. */
export function transferStore(env: VerifierEnvironment, insn: Insn): void {
  if (modeField(insn) === BPF_ATOMIC) {
    transferAtomic(env, insn);
    return;
  }
  if (modeField(insn) !== BPF_MEM || insn.imm !== 0) throw env.reject('invalid-instruction', 'EINVAL', 'BPF_STX uses reserved fields');
  checkSource(env, insn.src);
  const { type } = checkSource(env, insn.dst);
  accessMemory(env, insn.dst, insn.off, { write: true, size: accessSize(insn), value: insn.src });
  rememberPointerType(env, type, false);
}

/** ST: immediate to memory. */
export function transferStoreImmediate(env: VerifierEnvironment, insn: Insn): void {
  if (modeField(insn) !== BPF_MEM || insn.src !== 0) throw env.reject('invalid-instruction', 'EINVAL', 'BPF_ST uses reserved fields');
  const { type } = checkSource(env, insn.dst);
  accessMemory(env, insn.dst, insn.off, { write: true, size: accessSize(insn), value: -1 });
  rememberPointerType(env, type, false);
}

function transferAtomic(env: VerifierEnvironment, insn: Insn): void {
  const unknown = () =>
    env.reject('atomic', 'EINVAL', `BPF_ATOMIC uses invalid atomic opcode ${(insn.imm >>> 0).toString(16).padStart(2, '0')}`);
  if ((insn.imm === BPF_LOAD_ACQ || insn.imm === BPF_STORE_REL) && !knowsAcquireAndRelease(env.kernel)) throw unknown();
  switch (insn.imm) {
    case BPF_LOAD_ACQ:
      checkSource(env, insn.src);
      if (!allowsAtomics(env, insn.src)) {
        // What any load is refused for is said first.
        accessMemory(env, insn.src, insn.off, { write: false, size: accessSize(insn), value: -1, aligned: true });
        throw atomicRefused(env, insn.src, 'loads from');
      }
      transferLoadOf(env, insn);
      return;
    case BPF_STORE_REL: {
      checkSource(env, insn.src);
      checkSource(env, insn.dst);
      if (!allowsAtomics(env, insn.dst)) {
        accessMemory(env, insn.dst, insn.off, { write: true, size: accessSize(insn), value: -1, aligned: true });
        throw atomicRefused(env, insn.dst, 'stores into');
      }
      const { type } = env.register(insn.dst);
      accessMemory(env, insn.dst, insn.off, { write: true, size: accessSize(insn), value: insn.src, aligned: true });
      rememberPointerType(env, type, false);
      return;
    }
    case BPF_ADD:
    case BPF_ADD | BPF_FETCH:
    case BPF_AND:
    case BPF_AND | BPF_FETCH:
    case BPF_OR:
    case BPF_OR | BPF_FETCH:
    case BPF_XOR:
    case BPF_XOR | BPF_FETCH:
    case BPF_XCHG:
    case BPF_CMPXCHG:
      readModifyWrite(env, insn);
      return;
    default:
      throw unknown();
  }
}

function transferLoadOf(env: VerifierEnvironment, insn: Insn): void {
  const source = env.register(insn.src);
  checkTarget(env, insn.dst);
  accessMemory(env, insn.src, insn.off, { write: false, size: accessSize(insn), value: insn.dst, aligned: true });
  rememberPointerType(env, source.type, false);
  checkInvariants(env, insn.dst, 'atomic_load');
}

const atomicRefused = (env: VerifierEnvironment, regno: number, direction: string) =>
  env.reject('atomic', 'EACCES', `BPF_ATOMIC ${direction} R${regno} ${typeName(env.register(regno).type)} is not allowed`, {
    register: regno,
  });

function allowsAtomics(env: VerifierEnvironment, regno: number): boolean {
  const { type } = env.register(regno);
  return type !== PTR_TO_CTX && !isPacketPointer(type) && type !== PTR_TO_FLOW_KEYS && !isSocketPointer(type);
}

function readModifyWrite(env: VerifierEnvironment, insn: Insn): void {
  const { dst, src, imm } = insn;
  if (sizeField(insn) !== BPF_W && sizeField(insn) !== BPF_DW) throw env.reject('atomic', 'EINVAL', 'invalid atomic operand size');
  checkSource(env, src);
  checkSource(env, dst);
  if (imm === BPF_CMPXCHG) checkSource(env, 0);
  if (!allowsAtomics(env, dst)) throw atomicRefused(env, dst, 'stores into');
  const size = accessSize(insn);
  let result = -1;
  if (imm & BPF_FETCH) {
    result = imm === BPF_CMPXCHG ? 0 : src;
    checkTarget(env, result);
    env.replaceRegister(result, unknownRegister());
  }
  accessMemory(env, dst, insn.off, { write: false, size, value: -1, aligned: true });
  if (result >= 0) accessMemory(env, dst, insn.off, { write: false, size, value: result, aligned: true });
  rememberPointerType(env, env.register(dst).type, false);
  accessMemory(env, dst, insn.off, { write: true, size, value: -1, aligned: true });
}

/** Accesses that the kernel rewrites must be of one kind on all paths. */
function rememberPointerType(env: VerifierEnvironment, type: number, trustMayDiffer: boolean): void {
  const { pointerType } = env.facts;
  const before = pointerType[env.insn]!;
  if (before === 0) {
    pointerType[env.insn] = type;
    return;
  }
  if (before === type || (canDiffer(before) && canDiffer(type))) return;
  const bothRead = (base: number): boolean => baseType(base) === PTR_TO_BTF_ID || isUntrustedMemory(base);
  if (trustMayDiffer && bothRead(type) && bothRead(before)) {
    // A load that may fault on one of its paths is made safe on all.
    if (before & PTR_UNTRUSTED || isUntrustedMemory(before)) return;
    pointerType[env.insn] = type;
    return;
  }
  throw env.reject('different-pointers', 'EINVAL', 'same insn cannot be used with different pointers');
}

const isUntrustedMemory = (type: number): boolean =>
  baseType(type) === PTR_TO_MEM && (type & (MEM_RDONLY | PTR_UNTRUSTED)) === (MEM_RDONLY | PTR_UNTRUSTED);

function canDiffer(type: number): boolean {
  switch (baseType(type)) {
    case PTR_TO_CTX:
    case PTR_TO_SOCKET:
    case PTR_TO_SOCK_COMMON:
    case PTR_TO_TCP_SOCK:
    case PTR_TO_XDP_SOCK:
    case PTR_TO_BTF_ID:
    case PTR_TO_ARENA:
      return false;
    case PTR_TO_MEM:
      return !isUntrustedMemory(type);
    default:
      return true;
  }
}

/** LD: constants of 64 bits, and the old packet loads. */
export function transferLd(env: VerifierEnvironment, insn: Insn): void {
  const mode = modeField(insn);
  if (mode === BPF_ABS || mode === BPF_IND) {
    packetLoad(env, insn);
    return;
  }
  if (mode !== BPF_IMM) throw env.reject('invalid-instruction', 'EINVAL', 'invalid BPF_LD mode');
  if (sizeField(insn) !== BPF_DW) throw env.reject('invalid-instruction', 'EINVAL', 'invalid BPF_LD_IMM insn');
  if (insn.off !== 0) throw env.reject('invalid-instruction', 'EINVAL', 'BPF_LD_IMM64 uses reserved fields');
  checkTarget(env, insn.dst);
  loadConstant(env, insn);
  env.insn++;
}

function loadConstant(env: VerifierEnvironment, insn: Insn): void {
  const { dst } = insn;
  const second = env.insns[env.insn + 1]!;
  switch (insn.src) {
    case 0:
      env.setRegister(dst, scalarRegister(constant(ldImm64Value(insn, second))));
      return;
    case BPF_PSEUDO_BTF_ID:
      env.setRegister(dst, kernelSymbol(env, insn));
      return;
    case BPF_PSEUDO_FUNC: {
      const index = env.subprogramOf[env.insn + insn.imm + 1] ?? -1;
      const subprogram = env.subprograms[index];
      if (!subprogram || (env.object.btf === undefined && subprogram.linkage === undefined))
        throw env.reject('btf', 'EINVAL', 'missing btf func_info');
      if (subprogram.linkage !== 'static') throw env.reject('callback', 'EINVAL', 'callback function not static');
      if (index === 0) throw env.reject('callback', 'EINVAL', 'callback function cannot be the main program');
      env.setRegister(dst, pointerRegister(PTR_TO_FUNC, { subprogram: index }));
      return;
    }
    default: {
      const map = env.maps[insn.imm]!;
      if (insn.src === BPF_PSEUDO_MAP_VALUE || insn.src === BPF_PSEUDO_MAP_IDX_VALUE) {
        env.setRegister(dst, map.type === 'arena' ? unknownRegister() : pointerRegister(PTR_TO_MAP_VALUE, { map, off: second.imm >>> 0 }));
      } else env.setRegister(dst, pointerRegister(CONST_PTR_TO_MAP, { map }));
    }
  }
}

const PACKET_LOAD_TYPES = new Set(['socket_filter', 'sched_cls', 'sched_act']);

function packetLoad(env: VerifierEnvironment, insn: Insn): void {
  if (!PACKET_LOAD_TYPES.has(env.programType))
    throw env.reject('invalid-instruction', 'EINVAL', 'BPF_LD_[ABS|IND] instructions not allowed for this program type');
  if (env.state.frames.some((frame, number) => number > 0 && frame.inCallback)) {
    throw env.reject('callback', 'EINVAL', 'cannot use BPF_LD_[ABS|IND] within callback');
  }
  if (insn.dst !== 0 || insn.off !== 0 || sizeField(insn) === BPF_DW || (modeField(insn) === BPF_ABS && insn.src !== 0)) {
    throw env.reject('invalid-instruction', 'EINVAL', 'BPF_LD_[ABS|IND] uses reserved fields');
  }
  const context = checkSource(env, 6);
  checkResourceLeak(env, 'BPF_LD_[ABS|IND]', false, true);
  if (context.type !== PTR_TO_CTX)
    throw env.reject('invalid-instruction', 'EINVAL', 'at the time of BPF_LD_ABS|IND R6 != pointer to skb', { register: 6 });
  if (modeField(insn) === BPF_IND) checkSource(env, insn.src);
  checkPointerOffset(env, context, 6, false);
  clearCallerSaved(env, env.frame);
  env.setRegister(0, unknownRegister());
  if (env.state.frames.length === 1) return;
  // Outside of the packet it returns 0 from the function.
  env.pushBranch(env.insn + 1, env.insn);
  env.setRegister(0, scalarRegister(ZERO));
  exitFunction(env);
  env.insn--;
}
