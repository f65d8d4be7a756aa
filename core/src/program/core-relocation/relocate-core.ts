// Applies a function's CO-RE relocations: for each, the candidates in the target BTF, the value there, and the instruction patched.
// What the target does not have poisons the instruction as libbpf does: a call of a helper that no kernel has, which only
// matters where it can be reached.

import {
  BPF_ALU,
  BPF_ALU64,
  BPF_CALL,
  BPF_DW,
  BPF_H,
  BPF_JMP,
  BPF_B,
  BPF_LD,
  BPF_LDX,
  BPF_ST,
  BPF_STX,
  BPF_W,
  accessSize,
  insnClass,
  isLdImm64,
  ldImm64Value,
  usesRegisterSource,
} from '#core/isa';
import { essentialLength, findMember, resolve, type Btf, type BtfComposite, type CoreRecord } from '#core/btf';
import { error, note, type Problem } from '#core/problem';
import { placeOf, type FunctionCode } from '../code.ts';
import type { InsnBytes } from '../insn-bytes.ts';
import type { CoreRelocation } from '../types.ts';
import { candidates, matchSpec } from './core-match.ts';
import { CORE_KINDS, parseSpec, specText, type CoreSpec } from './core-spec.ts';
import { valueOf, type CoreValue } from './core-value.ts';

/** The helper number of a poisoned instruction, in every tool's log. */
export const POISON_CORE = 0xbad2310;

export interface RelocatedFunction {
  insns: InsnBytes;
  relocations: readonly CoreRelocation[];
  problems: readonly Problem[];
}

/** What to do with an instruction. */
type Outcome = { poison: string } | { local: CoreValue; target: CoreValue; unsafeWidth: boolean };

/** What one question means for this object and this kernel; the same one is asked at many instructions. */
interface Answer {
  kind: string;
  /** The path as text, or the record's own where it makes no sense. */
  spec: string;
  /** Why the record itself makes no sense. */
  damaged?: string;
  outcome?: Outcome | { error: string };
}

/** Answers the records of one object for one kernel. `target` undefined: the object's own types stand for the kernel's. */
export type CoreAnswers = (record: CoreRecord) => Answer;

export function coreAnswers(local: Btf, target: Btf | undefined): CoreAnswers {
  const known = new Map<string, Answer>();
  return (record) => {
    const key = `${record.typeId} ${record.kind} ${record.access}`;
    let answer = known.get(key);
    if (!answer) known.set(key, (answer = answerOf(record, local, target)));
    return answer;
  };
}

function answerOf(record: CoreRecord, local: Btf, target: Btf | undefined): Answer {
  const kind = CORE_KINDS[record.kind] ?? `kind ${record.kind}`;
  const spec = parseSpec(local, record);
  if (typeof spec === 'string') return { kind, spec: record.access, damaged: spec };
  return { kind, spec: specText(spec), outcome: decide(spec, target) };
}

export function relocateFunction(code: FunctionCode, answers: CoreAnswers): RelocatedFunction {
  if (code.core.length === 0) return { insns: code.insns, relocations: [], problems: [] };
  const insns = code.insns.copy();
  const relocations: CoreRelocation[] = [];
  const problems: Problem[] = [];
  for (const { slot, record } of code.core) {
    const { kind, spec, damaged, outcome } = answers(record);
    if (!outcome) {
      problems.push(
        error(`CO-RE relocation of instruction ${slot} in ${code.name}: ${damaged}`, {
          code: 'core-record',
          ...placeOf(code.section, code.records, record.offset),
        }),
      );
      relocations.push({ insn: slot, kind, spec, result: 'error' });
      continue;
    }
    const done = 'error' in outcome ? outcome.error : patch(insns, slot, outcome);
    if (typeof done === 'string') {
      problems.push(
        error(`CO-RE relocation ${kind} of ${spec} in ${code.name}: ${done}`, {
          code: 'core-failed',
          ...placeOf(code.section, code.records, record.offset),
        }),
      );
      poison(insns, slot);
      relocations.push({ insn: slot, kind, spec, result: `error: ${done}` });
      continue;
    }
    if (done.poisoned !== undefined)
      problems.push(
        note(`${done.poisoned}; where this code can be reached the program is refused: guard it with ${guardFor(kind)}`, {
          code: 'core-poisoned',
          ...placeOf(code.section, code.records, record.offset),
        }),
      );
    relocations.push({ insn: slot, kind, spec, result: done.poisoned === undefined ? done.result : `poisoned: ${done.poisoned}` });
  }
  return { insns, relocations, problems };
}

const guardFor = (kind: string): string =>
  kind.startsWith('enumval')
    ? 'bpf_core_enum_value_exists()'
    : kind.startsWith('type')
      ? 'bpf_core_type_exists()'
      : 'bpf_core_field_exists()';

function decide(spec: CoreSpec, target: Btf | undefined): Outcome | { error: string } {
  const { kind } = spec;
  const local = valueOf(kind, spec);
  if (local === 'poison') return { error: 'the object has no such thing itself' };
  if ('reason' in local) return { error: local.reason };
  // The object's own type id, and everything where nobody named a target: the value is what the object says.
  if (kind === 'type_id_local' || !target) return { local: { ...local, validate: false }, target: local, unsafeWidth: false };
  const root = spec.btf.type(spec.rootId);
  if (!root || root.name === '') return { error: 'its type has no name to find in the kernel' };
  let found: { spec: CoreSpec; value: CoreValue | 'poison' } | undefined;
  for (const id of candidates(spec.btf, spec.rootId, target)) {
    const match = matchSpec(spec, target, id);
    if (!match) continue;
    const value = valueOf(kind, match);
    if (value !== 'poison' && 'reason' in value) return { error: value.reason };
    if (!found) found = { spec: match, value };
    else if (found.spec.bitOffset !== match.bitOffset || !sameValue(found.value, value)) {
      return { error: `the target's BTF has several types ${root.name} that disagree (ids ${found.spec.rootId} and ${id})` };
    }
  }
  const value = found ? found.value : valueOf(kind, undefined);
  if (value === 'poison') return { poison: missing(spec, target) };
  if ('reason' in value) return { error: value.reason };
  return {
    local,
    target: value,
    unsafeWidth: found !== undefined && kind === 'field_byte_offset' && !safeWidth(spec, local, found.spec, value),
  };
}

const sameValue = (a: CoreValue | 'poison', b: CoreValue | 'poison'): boolean =>
  a === 'poison' || b === 'poison' ? a === b : a.value === b.value;

/** A load may become wider or narrower only for pointers and unsigned integers: others would change their value. */
function safeWidth(local: CoreSpec, from: CoreValue, target: CoreSpec, to: CoreValue): boolean {
  if (from.fieldSize === to.fieldSize) return true;
  const a = from.fieldTypeId === undefined ? undefined : resolve(local.btf, from.fieldTypeId);
  const b = to.fieldTypeId === undefined ? undefined : resolve(target.btf, to.fieldTypeId);
  if (a?.kind === 'ptr' && b?.kind === 'ptr') return true;
  return a?.kind === 'int' && b?.kind === 'int' && !a.signed && !b.signed;
}

/** Says what the target lacks, and what it has that reads alike. */
function missing(spec: CoreSpec, target: Btf): string {
  const root = spec.btf.type(spec.rootId)!;
  const name = root.name.slice(0, essentialLength(root.name));
  const found = candidates(spec.btf, spec.rootId, target);
  if (found.length === 0) return `${specText(spec)}: the target kernel's BTF has no ${root.kind === 'enum64' ? 'enum' : root.kind} ${name}`;
  let type = resolve(target, found[0]!);
  for (const step of spec.steps) {
    if (step.name === undefined) continue;
    const members = type && (type.kind === 'struct' || type.kind === 'union') ? type : undefined;
    const member = members && findMember(target, members, step.name);
    if (member) {
      type = resolve(target, member.member.type);
      continue;
    }
    const near = members
      ? nearest(step.name, memberNames(target, members, new Set()))
      : type && (type.kind === 'enum' || type.kind === 'enum64')
        ? nearest(
            step.name,
            type.enumerators.map((one) => one.name),
          )
        : undefined;
    return `${specText(spec)} does not exist in the target kernel's BTF${near === undefined ? '' : `; nearest: ${near}`}`;
  }
  return `${specText(spec)} has another type in the target kernel's BTF`;
}

function memberNames(btf: Btf, composite: BtfComposite, seen: Set<number>): string[] {
  seen.add(composite.id);
  return composite.members.flatMap(({ name, type }) => {
    if (name !== '') return [name];
    const inner = resolve(btf, type);
    return (inner?.kind === 'struct' || inner?.kind === 'union') && !seen.has(inner.id) && seen.size < 100
      ? memberNames(btf, inner, seen)
      : [];
  });
}

function nearest(name: string, known: readonly string[]): string | undefined {
  let best: { name: string; distance: number } | undefined;
  for (const candidate of known) {
    if (Math.abs(candidate.length - name.length) > 3 && !candidate.includes(name) && !name.includes(candidate)) continue;
    const distance = candidate.includes(name) || (candidate.length > 3 && name.includes(candidate)) ? 1 : editDistance(name, candidate);
    if (distance <= 2 + name.length / 5 && (!best || distance < best.distance)) best = { name: candidate, distance };
  }
  return best?.name;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    row = next;
  }
  return row[b.length]!;
}

function poison(insns: InsnBytes, slot: number): void {
  const insn = insns.read(slot);
  const call = { opcode: BPF_JMP | BPF_CALL, dst: 0, src: 0, off: 0, imm: POISON_CORE };
  insns.write(slot, call);
  if (insn && isLdImm64(insn)) insns.write(slot + 1, call);
}

/** Writes the target's value; a string says why the instruction cannot take it. */
function patch(insns: InsnBytes, slot: number, outcome: Outcome): { poisoned?: string; result: string } | string {
  const insn = insns.read(slot);
  if (!insn) return 'it stands on no instruction';
  if ('poison' in outcome) {
    poison(insns, slot);
    return { poisoned: outcome.poison, result: '' };
  }
  const { local, target } = outcome;
  const before = Number(BigInt.asIntN(64, local.value));
  const differs = (carried: number): string => `the instruction carries ${carried}, not ${before} as the object's types say`;
  switch (insnClass(insn)) {
    case BPF_ALU:
    case BPF_ALU64:
      if (usesRegisterSource(insn)) return 'the instruction has no constant to patch';
      if (local.validate && insn.imm !== Number(BigInt.asIntN(32, local.value))) return differs(insn.imm);
      insn.imm = Number(BigInt.asIntN(32, target.value));
      break;
    case BPF_LDX:
    case BPF_ST:
    case BPF_STX: {
      if (local.validate && insn.off !== before) return differs(insn.off);
      if (target.value > 0x7fffn) return `offset ${target.value} does not fit an instruction (32767 at most)`;
      if (outcome.unsafeWidth) {
        poison(insns, slot);
        return {
          poisoned: `the field has ${target.fieldSize} bytes in the target and ${local.fieldSize} here, and a load or store of a signed or composite field cannot change its width`,
          result: '',
        };
      }
      insn.off = Number(target.value);
      if (target.fieldSize !== local.fieldSize && target.fieldSize !== undefined) {
        if (accessSize(insn) !== local.fieldSize)
          return `the instruction moves ${accessSize(insn)} bytes, the field has ${local.fieldSize}`;
        const size = SIZE_FIELDS[target.fieldSize];
        if (size === undefined) return `no instruction moves the ${target.fieldSize} bytes that the field has in the target`;
        insn.opcode = (insn.opcode & ~0x18) | size;
      }
      break;
    }
    case BPF_LD: {
      const second = insns.read(slot + 1);
      if (!isLdImm64(insn) || !second) return 'an instruction that CO-RE cannot patch';
      if (local.validate && ldImm64Value(insn, second) !== BigInt.asUintN(64, local.value))
        return differs(Number(ldImm64Value(insn, second)));
      insn.imm = Number(BigInt.asIntN(32, target.value));
      insns.setImm(slot + 1, Number(BigInt.asIntN(32, target.value >> 32n)));
      break;
    }
    default:
      return 'an instruction that CO-RE cannot patch';
  }
  insns.write(slot, insn);
  return { result: local.value === target.value ? `${target.value}` : `${local.value} -> ${target.value}` };
}

const SIZE_FIELDS: Readonly<Record<number, number>> = { 1: BPF_B, 2: BPF_H, 4: BPF_W, 8: BPF_DW };
