// What the kernel accepts and a person would not: stack handed on that nothing has written, records of ring buffers with bytes of old
// kernel memory in them, tail calls that can never go anywhere, return values that the hook does not know. Told only when asked for
// (VerifyOptions.warnings); nothing here changes a verdict.

import { type Btf, resolve, sizeOf } from '#core/btf';
import {
  BPF_ALU,
  BPF_ALU64,
  BPF_ATOMIC,
  BPF_CALL,
  BPF_EXIT,
  BPF_JMP,
  BPF_LD,
  BPF_LDX,
  BPF_MOV,
  BPF_STX,
  insnClass,
  isLdImm64,
  modeField,
  usesRegisterSource,
} from '#core/isa';
import { describeCall } from './causes.ts';
import { causesNow } from './rejected-case.ts';
import { byteRange } from './byte-words.ts';
import { successors } from '../flow/cfg.ts';
import type { RejectionDetails, VerifierEnvironment } from '../state/environment.ts';
import type { WarningCode } from './findings.ts';
import type { VerifierMap } from '../objects/maps.ts';
import { baseType, MEM_RINGBUF, PTR_TO_MEM, type Register, SCALAR_VALUE } from '../state/registers.ts';

export interface Warning {
  readonly code: WarningCode;
  readonly insn: number;
  readonly details: RejectionDetails;
}

/** Told once for each place. */
export function warn(env: VerifierEnvironment, code: WarningCode, insn: number, details: RejectionDetails): void {
  const key = `${code} ${insn}`;
  if (!env.warnings.has(key)) env.warnings.set(key, { code, insn, details });
}

/** Whether it was: what would be said need not be found out again on another path. */
const isWarned = (env: VerifierEnvironment, code: WarningCode): boolean => env.warnings.has(`${code} ${env.insn}`);

/** Runs of `false` in `written`, in words: `bytes 4 to 7 and byte 12`. */
function gapsOf(written: ArrayLike<unknown>): { text: string; count: number; first: number } {
  const gaps: string[] = [];
  let count = 0;
  let first = -1;
  for (let from = 0; from < written.length;) {
    if (written[from]) {
      from++;
      continue;
    }
    let end = from;
    while (end < written.length && !written[end]) end++;
    if (first < 0) first = from;
    count += end - from;
    gaps.push(byteRange(from, end - from));
    from = end;
  }
  const shown = gaps.length > 4 ? [...gaps.slice(0, 3), `${gaps.length - 3} more places`] : gaps;
  return { text: shown.length > 1 ? `${shown.slice(0, -1).join(', ')} and ${shown[shown.length - 1]}` : (shown[0] ?? ''), count, first };
}

/** The call at `env.insn` reads this stack: `written` has a true for each byte that something has written. */
export function warnUnwrittenStack(env: VerifierEnvironment, regno: number, written: readonly boolean[]): void {
  if (!env.options.warnings || written.every(Boolean) || isWarned(env, 'uninitialised-stack')) return;
  const insn = env.insns[env.insn];
  // Of a kfunc's memory it is not known whether it is read or filled.
  if (insn?.opcode !== (BPF_JMP | BPF_CALL) || insn.src !== 0) return;
  const call = describeCall(env, env.insn);
  const { text, count, first } = gapsOf(written);
  const role = roleOf(env, call, regno);
  const what = role && role.size === written.length ? placeIn(role.btf, role.typeId, first, count) : undefined;
  const all = count === written.length;
  warn(env, 'uninitialised-stack', env.insn, {
    register: regno,
    explanation: `${call} reads ${written.length} bytes of stack${role ? ` as ${role.words}` : ''}, and ${all ? 'none of them has been written' : `${text} have not been written`} on this path${what ? `: ${what}` : ''}.${consequence(role?.use)}`,
    needed: `${written.length} bytes that the program has written`,
    known: `${count} of them never written`,
    causes: causesNow(env, regno),
  });
}

type Use = 'key' | 'value';

function consequence(use: Use | undefined): string {
  if (use === 'key') return ' Two keys that look the same may differ there, so lookups miss.';
  return ' They hold what was on the stack before, and go where the call takes them.';
}

interface Role {
  readonly use: Use;
  readonly words: string;
  readonly btf: Btf | undefined;
  readonly typeId: number | undefined;
  readonly size: number;
}

function roleOf(env: VerifierEnvironment, call: string, regno: number): Role | undefined {
  const map = env.register(1).map;
  if (!map || !call.startsWith('bpf_map_')) return undefined;
  const isKey = regno === 2 && map.keySize > 0;
  const { definition } = map;
  return {
    use: isKey ? 'key' : 'value',
    words: `the ${isKey ? 'key' : 'value'} of the map ${definition.name}`,
    btf: env.object.btf,
    typeId: isKey ? definition.keyTypeId : definition.valueTypeId,
    size: isKey ? map.keySize : map.valueSize,
  };
}

/** `padding behind member b of struct key`, or `member b of struct key`. */
function placeIn(btf: Btf | undefined, typeId: number | undefined, offset: number, count: number): string | undefined {
  if (!btf || typeId === undefined) return undefined;
  const type = resolve(btf, typeId);
  if (!type || type.kind !== 'struct') return undefined;
  const name = type.name ? `struct ${type.name}` : 'the struct';
  let before: string | undefined;
  for (const member of type.members) {
    const start = member.bitOffset >>> 3;
    const end = member.bitSize ? (member.bitOffset + member.bitSize + 7) >>> 3 : start + (sizeOf(btf, member.type) ?? 0);
    if (offset >= start && offset < end) return `member ${member.name || '(no name)'} of ${name}`;
    if (end <= offset) before = member.name;
  }
  return `padding of ${name}${before ? ` behind ${before}` : ''}${count === 1 ? '' : ', which initialising each member does not fill'}`;
}

/** Bytes of ring-buffer records that a path has written: by reference id, one byte each. Never changed in place: states share it. */
export type WrittenRecords = ReadonlyMap<number, Uint8Array>;

/** Notes that [off, off + size) of the record was written; with a variable offset, everything that may have been. */
export function noteRecordWrite(env: VerifierEnvironment, register: Register, off: number, size: number): void {
  if (
    !env.options.warnings ||
    baseType(register.type) !== PTR_TO_MEM ||
    !(register.type & MEM_RINGBUF) ||
    register.refObjId === 0 ||
    register.memSize > 0x1_0000
  )
    return;
  const { state } = env;
  const before = state.records?.get(register.refObjId);
  const written = before ? before.slice() : new Uint8Array(register.memSize);
  const low = Number(register.scalar.smin) + off;
  const high = Number(register.scalar.umax) + off + size;
  written.fill(1, Math.max(0, low), Math.min(written.length, high));
  state.records = new Map(state.records).set(register.refObjId, written);
}

/** The record in r1 is submitted: user space gets all of it. */
export function warnUnwrittenRecord(env: VerifierEnvironment): void {
  const register = env.register(1);
  if (!env.options.warnings || register.refObjId === 0 || register.memSize > 0x1_0000 || isWarned(env, 'unwritten-record')) return;
  const written = env.state.records?.get(register.refObjId) ?? new Uint8Array(register.memSize);
  const { text, count } = gapsOf(written);
  if (count === 0) return;
  const reserved = env.state.references.find(({ id }) => id === register.refObjId)?.insn ?? -1;
  warn(env, 'unwritten-record', env.insn, {
    register: 1,
    explanation: `User space gets a record of ${written.length} bytes, of which ${count === written.length ? 'none' : `${text} ${count === 1 ? 'has not' : 'have not'}`} ${count === written.length ? 'has been' : 'been'} written on this path: they hold what the ring buffer held before.`,
    needed: `${written.length} written bytes`,
    known: `${count} never written`,
    causes: reserved >= 0 ? [{ insn: reserved, text: 'bpf_ringbuf_reserve() gives memory that is not cleared' }] : [],
  });
}

/** The index in r3 is of a slot that no program can be in. */
export function warnTailCall(env: VerifierEnvironment, map: VerifierMap | undefined): void {
  const index = env.register(3);
  if (!env.options.warnings || !map || index.type !== SCALAR_VALUE || index.scalar.mask !== 0n || isWarned(env, 'empty-tail-call')) return;
  const slot = Number(BigInt.asUintN(32, index.scalar.value));
  const { name, slots, maxEntries } = map.definition;
  if (maxEntries > 0 && slot >= maxEntries) {
    warn(env, 'empty-tail-call', env.insn, {
      register: 3,
      explanation: `${name} has ${maxEntries === 1 ? 'only slot 0' : `${maxEntries} slots, 0 to ${maxEntries - 1}`}: a tail call to slot ${slot} always fails, and the program goes on behind it.`,
      needed: `a slot in [0, ${maxEntries - 1}]`,
      known: `slot ${slot}`,
      causes: causesNow(env, 3),
    });
  } else if (slots && slots.length > 0 && !slots.some((one) => one.index === slot)) {
    const filled = slots.map((one) => `${one.index} (${one.target})`).join(', ');
    warn(env, 'empty-tail-call', env.insn, {
      register: 3,
      explanation: `Nothing fills slot ${slot} of ${name}: its declaration fills ${filled}. Unless user space fills it, the tail call fails and the program goes on behind it.`,
      known: `slot ${slot}`,
      causes: causesNow(env, 3),
    });
  }
}

interface Meaning {
  readonly takes: (value: number) => boolean;
  readonly words: string;
}

const oneOf = (names: Readonly<Record<string, number>>): Meaning => {
  const values = new Set(Object.values(names));
  return {
    takes: (value) => values.has(value),
    words: Object.entries(names)
      .map(([name, value]) => `${name} (${value})`)
      .join(', '),
  };
};

const VERDICT = oneOf({ SK_DROP: 0, SK_PASS: 1 });
const LWT = { BPF_OK: 0, BPF_DROP: 2, BPF_REDIRECT: 7, BPF_LWT_REROUTE: 128 };
const TC_ACT = oneOf({
  TC_ACT_UNSPEC: -1,
  TC_ACT_OK: 0,
  TC_ACT_RECLASSIFY: 1,
  TC_ACT_SHOT: 2,
  TC_ACT_PIPE: 3,
  TC_ACT_STOLEN: 4,
  TC_ACT_QUEUED: 5,
  TC_ACT_REPEAT: 6,
  TC_ACT_REDIRECT: 7,
  TC_ACT_TRAP: 8,
});
// TC_ACT_JUMP and TC_ACT_GOTO_CHAIN carry a number in their low 28 bits.
const TC: Meaning = { takes: (value) => TC_ACT.takes(value) || value >>> 28 === 1 || value >>> 28 === 2, words: TC_ACT.words };

/** Hooks that take any number from the program and know only some (include/uapi/linux/bpf.h, pkt_cls.h). The rest is enforced, or has no such set. */
const MEANINGS: Readonly<Record<string, Meaning>> = {
  xdp: oneOf({ XDP_ABORTED: 0, XDP_DROP: 1, XDP_PASS: 2, XDP_TX: 3, XDP_REDIRECT: 4 }),
  sched_cls: TC,
  sched_act: TC,
  sk_msg: VERDICT,
  sk_reuseport: VERDICT,
  lwt_in: oneOf(LWT),
  lwt_out: oneOf(LWT),
  lwt_xmit: oneOf(LWT),
  flow_dissector: oneOf({ BPF_OK: 0, BPF_DROP: 2, BPF_FLOW_DISSECTOR_CONTINUE: 129 }),
};

/** Constants that the program returns and its hook does not know. Asked after the walk: pruning hides what single paths return. */
export function warnReturnValues(env: VerifierEnvironment): void {
  const meaning = env.programType === 'sk_skb' && env.attachType !== 'BPF_SK_SKB_STREAM_PARSER' ? VERDICT : MEANINGS[env.programType];
  if (!env.options.warnings || !meaning) return;
  for (const { insn, value } of returnedConstants(env)) {
    if (env.visits[insn] === 0 || meaning.takes(value)) continue;
    warn(env, 'meaningless-return', insn, {
      register: 0,
      explanation: `The program returns ${value}, which means nothing to the hook: it knows ${meaning.words}.${env.programType === 'xdp' ? ' Any other is taken for XDP_ABORTED: the packet is dropped, with a trace event and a warning in the kernel log.' : ''}`,
      needed: meaning.words,
      known: String(value),
    });
  }
}

/** Where the main function gets a constant that it may return: backwards from each exit through the moves of r0, over all ways. */
function returnedConstants(env: VerifierEnvironment): { insn: number; value: number }[] {
  const end = env.subprograms[0]!.end;
  const before: number[][] = Array.from({ length: end }, () => []);
  const open: [insn: number, register: number][] = [];
  for (let at = 0; at < end; at++) {
    const insn = env.insns[at]!;
    if (insn.opcode === (BPF_JMP | BPF_EXIT)) open.push([at, 0]);
    for (const next of successors(env.insns, at)) if (next < end) before[next]!.push(at);
    if (isLdImm64(insn)) at++;
  }
  const constants: { insn: number; value: number }[] = [];
  const seen = new Set<number>();
  for (let next = open.pop(); next; next = open.pop()) {
    const [at, register] = next;
    for (const previous of before[at]!) {
      const key = previous * 16 + register;
      if (seen.has(key)) continue;
      seen.add(key);
      const insn = env.insns[previous]!;
      const cls = insnClass(insn);
      const isCall = insn.opcode === (BPF_JMP | BPF_CALL);
      const writes = isCall
        ? register <= 5
        : cls === BPF_ALU || cls === BPF_ALU64 || cls === BPF_LDX || cls === BPF_LD
          ? insn.dst === register
          : cls === BPF_STX && modeField(insn) === BPF_ATOMIC;
      if (!writes) open.push([previous, register]);
      else if (!isCall && (cls === BPF_ALU || cls === BPF_ALU64) && (insn.opcode & 0xf0) === BPF_MOV && insn.off === 0) {
        if (usesRegisterSource(insn)) open.push([previous, insn.src]);
        else constants.push({ insn: previous, value: insn.imm });
      }
    }
  }
  return constants.sort((a, b) => a.insn - b.insn);
}
