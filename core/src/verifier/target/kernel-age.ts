// What an older target kernel does not know yet, asked before the walk: types of programs, attach points and maps, flags, and
// instructions. Helpers, kfuncs and finer rules are asked where they are used (call-helper.ts, kfunc-meta.ts, kernel-rules.ts).

import { atLeast, attachType, type KernelVersion, mapType, programType } from '#core/catalog';
import {
  BPF_ALU,
  BPF_ALU64,
  BPF_ATOMIC,
  BPF_CALL,
  BPF_END,
  BPF_JMP,
  BPF_JMP32,
  BPF_LD,
  BPF_LDX,
  BPF_MOV,
  BPF_PSEUDO_CALL,
  BPF_STX,
  insnClass,
  type Insn,
  isLdImm64,
  lookup,
} from '#core/isa';
import { checkMapCreation } from './map-creation.ts';
import { Rejection, type VerifierEnvironment } from '../state/environment.ts';
import type { FindingCode } from '../explain/findings.ts';

const BPF_F_SLEEPABLE = 1 << 4;
const BPF_F_XDP_HAS_FRAGS = 1 << 5;

const FLAGS = [
  { flag: BPF_F_SLEEPABLE, since: '5.10', name: 'Sleepable programs' },
  { flag: BPF_F_XDP_HAS_FRAGS, since: '5.18', name: 'XDP programs for packets in several buffers (xdp.frags)' },
] as const satisfies readonly { flag: number; since: KernelVersion; name: string }[];

/** Refuses what the target kernel has never heard of. For the newest target nothing is asked. */
export function checkKernelAge(env: VerifierEnvironment): void {
  const { kernel, program } = env;
  env.insn = 0;
  const type = programType(env.programType);
  if (type && !atLeast(kernel, type.since))
    throw tooNew(env, 'invalid-program', `Programs of type ${type.name}`, type.since, 'Choose another program type');
  const attach = env.attachType === undefined ? undefined : attachType(env.attachType);
  // Where a type had only one attach point at first, older kernels ask for none.
  if (attach && type && attach.since !== type.since && !atLeast(kernel, attach.since) && !OPTIONAL_ATTACH_TYPES.has(attach.name)) {
    throw tooNew(env, 'invalid-program', `The attach type ${attach.name}`, attach.since, 'Choose another attach point');
  }
  for (const { flag, since, name } of FLAGS)
    if (program.flags & flag && !atLeast(kernel, since)) throw tooNew(env, 'invalid-program', name, since, 'Do without');
  checkMaps(env);
  checkMapCreation(env);
  checkInsns(env);
}

/** libbpf leaves them away where a kernel does not know them. */
const OPTIONAL_ATTACH_TYPES = new Set(['BPF_XDP']);

/** The kernel says nothing in these cases but an error number. */
function tooNew(env: VerifierEnvironment, code: FindingCode, what: string, since: KernelVersion, advice: string): Rejection {
  return new Rejection(code, 'EINVAL', ['Invalid argument'], env.insn, {
    explanation: `${what} came with Linux ${since}; the target is ${env.kernel}.`,
    advice: `${advice}, or a target kernel from ${since} on.`,
  });
}

/** All maps of an object are made before its programs are loaded. */
function checkMaps(env: VerifierEnvironment): void {
  for (const { type, name, autocreate } of env.object.maps) {
    const row = mapType(type);
    if (row && autocreate !== false && !atLeast(env.kernel, row.since))
      throw tooNew(env, 'map-program', `The map ${name} is of type ${type}, which`, row.since, 'Use another type of map');
  }
}

/** Reached or not: older kernels refuse opcodes and fields that they do not know wherever they stand. */
function checkInsns(env: VerifierEnvironment): void {
  const { insns, kernel } = env;
  const functions = new Set<number>();
  let tailCall = -1;
  for (let at = 0; at < insns.length; at++) {
    const insn = insns[at]!;
    const known = lookup(insn);
    env.insn = at;
    // Kernels that know atomic operations look at which one it is only where the walk comes to it.
    const askedLater = insnClass(insn) === BPF_STX && (insn.opcode & 0xe0) === BPF_ATOMIC && atLeast(kernel, '5.12');
    if (known?.since && !atLeast(kernel, known.since) && !askedLater && !(kernel === '6.1' && known.id === 'gotol')) {
      throw env.reject('invalid-instruction', 'EINVAL', oldKernelSays(insn), {
        explanation: `The instruction ${known.id} came with Linux ${known.since}; the target is ${kernel}.`,
        advice: adviceFor(insn, known.since),
      });
    }
    if (insn.opcode === (BPF_JMP | BPF_CALL)) {
      if (insn.src === BPF_PSEUDO_CALL) functions.add(at + insn.imm + 1);
      else if (insn.src === 0 && insn.imm === 12) tailCall = at;
    }
    if (isLdImm64(insn)) at++;
  }
  if (tailCall >= 0 && functions.size > 0 && !atLeast(kernel, '5.10')) {
    env.insn = tailCall;
    throw env.reject('call-depth', 'EINVAL', 'tail_calls are not allowed in programs with bpf-to-bpf calls', {
      explanation: `Tail calls beside calls of functions of the program came with Linux 5.10; the target is ${kernel}.`,
      advice: 'Make the functions __always_inline, or choose a target kernel from 5.10 on.',
    });
  }
}

function oldKernelSays(insn: Insn): string {
  const operation = insn.opcode & 0xf0;
  switch (insnClass(insn)) {
    case BPF_ALU:
    case BPF_ALU64:
      return operation === BPF_END
        ? 'BPF_END uses reserved fields'
        : operation === BPF_MOV
          ? 'BPF_MOV uses reserved fields'
          : 'BPF_ALU uses reserved fields';
    case BPF_LDX:
      return 'BPF_LDX uses reserved fields';
    case BPF_STX:
      return 'BPF_STX uses reserved fields';
    case BPF_LD:
      return 'unrecognized bpf_ld_imm64 insn';
    case BPF_JMP:
      if (operation === BPF_CALL) return 'BPF_CALL uses reserved fields';
      break;
    case BPF_JMP32:
    default:
  }
  return `unknown opcode ${insn.opcode.toString(16).padStart(2, '0')}`;
}

function adviceFor(insn: Insn, since: string): string {
  const compiler =
    insnClass(insn) === BPF_STX
      ? 'The compiler uses it for atomic operations: __sync_fetch_and_add() without its result is an older one'
      : since === '6.6'
        ? 'Compile for an older instruction set (-mcpu=v3, the setting ebpf.compiler.cpu)'
        : 'Write it differently';
  return `${compiler}, or choose a target kernel from ${since} on.`;
}
