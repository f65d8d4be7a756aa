// Before the walk: functions and their bounds, encodings, maps and what this program type may do with them.
// Looks at no paths.

import { atLeast } from '#core/catalog';
import {
  BPF_ABS,
  BPF_CALL,
  BPF_EXIT,
  BPF_IND,
  BPF_JA,
  BPF_JMP,
  BPF_JMP32,
  BPF_LD,
  BPF_LDX,
  BPF_MEM,
  BPF_MEMSX,
  BPF_PSEUDO_BTF_ID,
  BPF_PSEUDO_FUNC,
  BPF_PSEUDO_MAP_FD,
  BPF_PSEUDO_MAP_IDX,
  BPF_PSEUDO_MAP_IDX_VALUE,
  BPF_PSEUDO_MAP_VALUE,
  insnClass,
  type Insn,
  isLdImm64,
  lookup,
  formsOf,
  modeField,
} from '#core/isa';
import { jumpTarget } from './flow/cfg.ts';
import { isGplCompatible } from './memory/check-btf-access.ts';
import type { VerifierEnvironment } from './state/environment.ts';
import { symbolName } from './objects/kernel-symbols.ts';
import { globalFunctionsAlone } from './target/kernel-rules.ts';
import { makeMap, type VerifierMap } from './objects/maps.ts';
import { fieldOf, type SpecialFields, specialFieldsOf } from './objects/special-fields.ts';

const isJump = (insn: Insn): boolean => insnClass(insn) === BPF_JMP || insnClass(insn) === BPF_JMP32;
const operation = (insn: Insn): number => insn.opcode & 0xf0;

/** Takes the functions over from the program, and refuses jumps that leave them. */
export function prepareSubprograms(env: VerifierEnvironment): void {
  const { program, insns } = env;
  const declared = program.subprograms.length > 0 ? program.subprograms : [{ name: program.name, start: 0, end: insns.length }];
  env.subprogramOf = new Int32Array(insns.length);
  declared.forEach((subprogram, index) => {
    env.subprograms.push({
      name: subprogram.name,
      start: subprogram.start,
      end: subprogram.end,
      linkage: subprogram.linkage === 'global' && !globalFunctionsAlone(env.kernel) ? 'static' : subprogram.linkage,
      funcTypeId: subprogram.funcTypeId,
      stackDepth: 0,
      hasTailCall: false,
      tailCallReachable: false,
      hasLdAbs: false,
      isCallback: false,
      isAsyncCallback: false,
      isExceptionCallback: false,
      changesPacketData: false,
      mightSleep: false,
      called: false,
      arguments: undefined,
      fastcallStackOffset: 0,
      keepFastcallStack: false,
    });
    env.subprogramOf.fill(index, subprogram.start, subprogram.end);
  });
  for (let i = 0; i < insns.length; i++) {
    const insn = insns[i]!;
    const callee =
      (insn.opcode === (BPF_JMP | BPF_CALL) && insn.src === 1) || (isLdImm64(insn) && insn.src === BPF_PSEUDO_FUNC) ? i + insn.imm + 1 : 0;
    if (callee < 0 || callee >= insns.length) {
      env.insn = i;
      throw env.reject('jump-out-of-range', 'EINVAL', 'call to invalid destination');
    }
    if (isLdImm64(insn)) i++;
  }
  for (const subprogram of env.subprograms) {
    for (let i = subprogram.start; i < subprogram.end; i++) {
      const insn = insns[i]!;
      env.insn = i;
      if (insn.opcode === (BPF_JMP | BPF_CALL) && insn.src === 0 && insn.imm === 12) subprogram.hasTailCall = true;
      if (insnClass(insn) === BPF_LD && (modeField(insn) === BPF_ABS || modeField(insn) === BPF_IND)) subprogram.hasLdAbs = true;
      if (isJump(insn) && operation(insn) !== BPF_EXIT && operation(insn) !== BPF_CALL) {
        const target = jumpTarget(insn, i);
        if (target < subprogram.start || target >= subprogram.end) {
          throw env.reject('jump-out-of-range', 'EINVAL', `jump out of range from insn ${i} to ${target}`);
        }
      }
      if (i === subprogram.end - 1) {
        const ends =
          insn.opcode === (BPF_JMP | BPF_EXIT) ||
          insn.opcode === (BPF_JMP32 | BPF_JA) ||
          insn.opcode === (BPF_JMP | BPF_JA) ||
          isThrow(env, insn);
        if (!ends) throw env.reject('fall-through', 'EINVAL', 'last insn is not an exit or jmp');
      }
      if (isLdImm64(insn)) i++;
    }
  }
}

const isThrow = (env: VerifierEnvironment, insn: Insn): boolean =>
  insn.opcode === (BPF_JMP | BPF_CALL) && insn.src === 2 && env.program.kfuncs[insn.imm] === 'bpf_throw';

/** Functions whose type information forbids what their code does. */
export function checkFunctionTypes(env: VerifierEnvironment): void {
  const btf = env.object.btf;
  env.subprograms.forEach((subprogram, index) => {
    if (index === 0 || (!subprogram.hasLdAbs && !subprogram.hasTailCall)) return;
    env.insn = subprogram.start;
    const func = btf && subprogram.funcTypeId !== undefined ? btf.type(subprogram.funcTypeId) : undefined;
    const proto = func?.kind === 'func' ? btf!.type(func.type) : undefined;
    if (!btf || proto?.kind !== 'func_proto') {
      throw env.reject(
        'btf',
        'EINVAL',
        subprogram.hasLdAbs ? 'LD_ABS is not allowed in subprogs without BTF' : 'tail_call is not allowed in subprogs without BTF',
      );
    }
    let type = btf.type(proto.type);
    while (type && (type.kind === 'typedef' || type.kind === 'const' || type.kind === 'volatile')) type = btf.type(type.type);
    const returnsInt = type !== undefined && ((type.kind === 'int' && type.size <= 8) || type.kind === 'enum' || type.kind === 'enum64');
    if (!returnsInt) {
      throw env.reject(
        'btf',
        'EINVAL',
        subprogram.hasLdAbs
          ? "LD_ABS is only allowed in functions that return 'int'."
          : "tail_call is only allowed in functions that return 'int'.",
      );
    }
  });
}

/** Names the function that bpf_throw() goes to, from the tag on the main function. */
export function findExceptionCallback(env: VerifierEnvironment): void {
  const btf = env.object.btf;
  const main = env.subprograms[0]!;
  if (!btf || main.funcTypeId === undefined) return;
  const tags = btf.declTags(main.funcTypeId).filter((tag) => tag.component === -1 && tag.name.startsWith('exception_callback:'));
  if (tags.length === 0) return;
  env.insn = 0;
  if (tags.length > 1) throw env.reject('exception', 'EINVAL', 'multiple exception callback tags for main subprog');
  const name = tags[0]!.name.slice('exception_callback:'.length);
  const funcId = btf.find(name, 'func');
  const func = funcId === undefined ? undefined : btf.type(funcId);
  if (func?.kind !== 'func') throw env.reject('exception', 'ENOENT', `exception callback '${name}' could not be found in BTF`);
  if (func.linkage !== 'global') throw env.reject('exception', 'EINVAL', `exception callback '${name}' must have global linkage`);
  const index = env.subprograms.findIndex((subprogram, i) => i > 0 && subprogram.funcTypeId === func.id);
  if (index < 0) throw env.reject('exception', 'EINVAL', 'exception callback type id not found in func_info');
  env.exceptionCallback = index;
  env.subprograms[index]!.isExceptionCallback = true;
}

/** Map values described by BTF, with the offsets of special fields. */
function fieldsOfMap(env: VerifierEnvironment): (definition: { valueTypeId?: number }) => SpecialFields | undefined {
  const { btf } = env.object;
  return (definition) => (btf && definition.valueTypeId ? specialFieldsOf(btf, definition.valueTypeId) : undefined);
}

/** Resolves what ld_imm64 refers to, and refuses opcodes that are none. */
export function resolveReferences(env: VerifierEnvironment): void {
  const { insns } = env;
  const fields = fieldsOfMap(env);
  const maps = env.object.maps.map((definition, index) => makeMap(definition, index, fields));
  env.maps = maps;
  const used = new Set<VerifierMap>();
  for (let i = 0; i < insns.length; i++) {
    const insn = insns[i]!;
    env.insn = i;
    const class_ = insnClass(insn);
    if (class_ === BPF_LDX && ((modeField(insn) !== BPF_MEM && modeField(insn) !== BPF_MEMSX) || insn.imm !== 0)) {
      throw env.reject('invalid-instruction', 'EINVAL', 'BPF_LDX uses reserved fields');
    }
    if (isLdImm64(insn)) {
      const second = insns[i + 1];
      if (!second || second.opcode !== 0 || second.dst !== 0 || second.src !== 0 || second.off !== 0)
        throw env.reject('invalid-instruction', 'EINVAL', 'invalid bpf_ld_imm64 insn');
      resolveLoad(env, insn, second, maps, used);
      i++;
      continue;
    }
    if (!isKnownOpcode(insn))
      throw env.reject('invalid-instruction', 'EINVAL', `unknown opcode ${insn.opcode.toString(16).padStart(2, '0')}`);
  }
}

/** The opcode byte alone; fields are checked when the instruction is walked. */
const isKnownOpcode = (insn: Insn): boolean => insn.opcode !== CALLX && (formsOf(insn.opcode).length > 0 || lookup(insn) !== undefined);
/** RFC 9669 has calls through a register; Linux does not. */
const CALLX = BPF_JMP | BPF_CALL | 0x08;

/** Kernels built without CONFIG_KALLSYMS_ALL know no address of a variable, though their BTF has its type. */
function checkSymbolAddress(env: VerifierEnvironment, insn: Insn): void {
  const { kernelSymbols, kernelBtf } = env.options;
  const name = symbolName(env, insn);
  if (!kernelSymbols || name === undefined || kernelSymbols.has(name)) return;
  // A weak symbol that the kernel's types do not have either is NULL.
  if (kernelBtf?.find(name, 'var') === undefined && kernelBtf?.find(name, 'func') === undefined) return;
  throw env.reject('btf', 'ENOENT', `ldimm64 failed to find the address for kernel symbol '${name}'.`, {
    explanation: `The target kernel has the type of ${name}, and does not tell its address.`,
  });
}

function resolveLoad(env: VerifierEnvironment, insn: Insn, second: Insn, maps: readonly VerifierMap[], used: Set<VerifierMap>): void {
  switch (insn.src) {
    case 0:
    case BPF_PSEUDO_FUNC:
      return;
    case BPF_PSEUDO_BTF_ID:
      if (!env.program.ksyms[insn.imm])
        throw env.reject(
          'btf',
          'EINVAL',
          second.imm === 0 ? `ldimm64 insn specifies invalid btf_id ${insn.imm}.` : 'invalid module BTF object FD specified.',
        );
      checkSymbolAddress(env, insn);
      return;
    case BPF_PSEUDO_MAP_FD:
    case BPF_PSEUDO_MAP_IDX:
      if (second.imm !== 0) throw env.reject('invalid-instruction', 'EINVAL', 'unrecognized bpf_ld_imm64 insn');
      break;
    case BPF_PSEUDO_MAP_VALUE:
    case BPF_PSEUDO_MAP_IDX_VALUE:
      break;
    default:
      throw env.reject('invalid-instruction', 'EINVAL', 'unrecognized bpf_ld_imm64 insn');
  }
  const map = maps[insn.imm];
  if (insn.src === BPF_PSEUDO_MAP_IDX || insn.src === BPF_PSEUDO_MAP_IDX_VALUE) {
    throw env.reject('invalid-instruction', 'EPROTO', 'fd_idx without fd_array is invalid', {
      explanation:
        'The load names its map by an index into an array that a loader hands over with the program; the loader that this program is for does not.',
    });
  }
  if (!map) throw env.reject('invalid-program', 'EBADF', `fd ${insn.imm} is not pointing to valid bpf_map`);
  if (!used.has(map)) {
    used.add(map);
    checkMapForProgram(env, map);
    if (map.type === 'arena') {
      if (env.arena) throw env.reject('map-program', 'EBUSY', 'Only one arena per program');
      env.arena = map;
    }
  }
  if (insn.src !== BPF_PSEUDO_MAP_VALUE) return;
  const off = second.imm >>> 0;
  if (off >= 1 << 29) throw env.reject('map-value-bounds', 'EINVAL', `direct value offset of ${off} is not allowed`);
  if (map.type === 'arena') return;
  if (map.type !== 'array' && map.type !== 'insn_array')
    throw env.reject('map-program', 'EINVAL', 'no direct value access support for this map type');
  if (map.maxEntries !== 1 && map.type === 'array') throw invalidDirectAccess(env, map, off, 'ENOTSUPP');
  if (off >= map.valueSize) throw invalidDirectAccess(env, map, off, 'EINVAL');
}

const invalidDirectAccess = (env: VerifierEnvironment, map: VerifierMap, off: number, errno: string) =>
  env.reject('map-value-bounds', errno, `invalid access to map value pointer, value_size=${map.valueSize} off=${off}`);

const TRACING_TYPES = new Set(['kprobe', 'tracepoint', 'perf_event', 'raw_tracepoint', 'raw_tracepoint_writable']);
const SLEEPABLE_MAPS = new Set([
  'hash',
  'lru_hash',
  'array',
  'percpu_hash',
  'percpu_array',
  'lru_percpu_hash',
  'array_of_maps',
  'hash_of_maps',
  'ringbuf',
  'user_ringbuf',
  'inode_storage',
  'sk_storage',
  'task_storage',
  'cgrp_storage',
  'queue',
  'stack',
  'arena',
  'insn_array',
]);

/** Some maps, and maps with some fields, are not for every program type. */
function checkMapForProgram(env: VerifierEnvironment, map: VerifierMap): void {
  const { programType } = env;
  const tracing = TRACING_TYPES.has(programType);
  const refuse = (message: string) =>
    env.reject('map-program', 'EINVAL', message, {
      explanation: `The map ${map.definition.name} cannot be used by a program of type ${programType}.`,
    });
  const { fields } = map;
  if (tracing && fieldOf(fields, 'bpf_list_head', 'bpf_rb_root')) throw refuse('tracing progs cannot use bpf_{list_head,rb_root} yet');
  if (fieldOf(fields, 'bpf_spin_lock', 'bpf_res_spin_lock')) {
    if (programType === 'socket_filter') throw refuse('socket filter progs cannot use bpf_spin_lock yet');
    if (tracing) throw refuse('tracing progs cannot use bpf_spin_lock yet');
  }
  if (tracing && fieldOf(fields, 'bpf_timer')) throw refuse('tracing progs cannot use bpf_timer yet');
  if (tracing && fieldOf(fields, 'bpf_wq')) throw refuse('tracing progs cannot use bpf_wq yet');
  if (map.type === 'struct_ops') throw refuse('bpf_struct_ops map cannot be used in prog');
  if (env.sleepable && !SLEEPABLE_MAPS.has(map.type)) {
    throw refuse('Sleepable programs can only use array, hash, ringbuf and local storage maps');
  }
}

/** Program-wide rules of the attach point. */
export function checkAttach(env: VerifierEnvironment): void {
  env.insn = 0;
  const { programType, program } = env;
  if (programType === 'syscall') return;
  if (programType === 'struct_ops') checkStructOpsMember(env);
  if (program.sleepable) {
    const allowed =
      programType === 'tracing'
        ? env.attachType !== 'BPF_TRACE_RAW_TP'
        : programType === 'lsm' || programType === 'kprobe' || programType === 'struct_ops';
    if (!allowed) {
      throw env.reject(
        'invalid-program',
        'EINVAL',
        'Only fentry/fexit/fmod_ret, lsm, iter, uprobe, and struct_ops programs can be sleepable',
      );
    }
  }
}

/** Members that a kernel structure does not let programs fill. */
function checkStructOpsMember(env: VerifierEnvironment): void {
  const { structOps, sleepable } = env.program;
  if (!isGplCompatible(env.object.license))
    throw env.reject('invalid-program', 'EINVAL', 'struct ops programs must have a GPL compatible license');
  if (!structOps) {
    throw env.reject('invalid-program', 'ENOTSUPP', 'attach_btf_id is 0', {
      explanation: 'The program is in no struct_ops variable of this object, so the kernel does not know which member it would be.',
      advice: 'Name it in a variable of SEC(".struct_ops").',
    });
  }
  const { type, member } = structOps;
  const unsupported =
    (type === 'tcp_congestion_ops' && member === 'get_info') || (type === 'bpf_dummy_ops' && sleepable && member !== 'test_sleepable');
  if (unsupported) throw env.reject('invalid-program', 'ENOTSUPP', `attach to unsupported member ${member} of struct ${type}`);
}

/** Whether this kernel verifies loops by walking them (5.3). */
export const boundedLoops = (env: VerifierEnvironment): boolean => atLeast(env.kernel, '5.3');
