// Why a path may not end as it does, or does not end: return values, what is still held, loops and the limits.

import { BPF_CALL, BPF_JA, BPF_JMP, BPF_JMP32, insnClass } from '#core/isa';
import { programType, returnRange } from '#core/catalog';
import { byteCount } from './byte-words.ts';
import { describeCall } from './causes.ts';
import { MAX_PROCESSED } from '../state/environment.ts';
import { PTR_TO_STACK, type Register, SCALAR_VALUE } from '../state/registers.ts';
import { byteKind, type Reference, STACK_DYNPTR, STACK_IRQ_FLAG, STACK_ITER } from '../state/state.ts';
import type { Cause } from '../types.ts';
import { partsOf } from './layout.ts';
import { argumentText, kindOf } from './pointers.ts';
import type { Explained, RejectedCase } from './rejected-case.ts';
import { isConditional } from './value-path.ts';
import { callText, conditionText, knownRange, quoted } from './value-words.ts';

/** Return values by the names that C has for them. */
const MEANINGS: Readonly<Record<string, string>> = {
  cgroup_skb: '0 drops the packet, 1 lets it pass',
  cgroup_sock: '0 refuses, 1 allows',
  cgroup_sock_addr: '0 refuses, 1 allows',
  cgroup_device: '0 refuses, 1 allows',
  cgroup_sysctl: '0 refuses, 1 allows',
  cgroup_sockopt: '0 refuses, 1 allows',
  lsm: '0 allows, a negative errno refuses',
  sk_lookup: '0 is SK_DROP, 1 is SK_PASS',
  netfilter: '0 is NF_DROP, 1 is NF_ACCEPT',
  flow_dissector: 'BPF_OK, BPF_DROP or BPF_FLOW_DISSECTOR_CONTINUE',
  sk_skb: '0 is SK_DROP, 1 is SK_PASS',
  struct_ops: 'as the member declares',
  tracing: 'fentry and fexit programs return 0',
};

/** return-value. */
export function explainReturn(c: RejectedCase): Explained {
  const register = c.register ?? c.now[0];
  if (!register) return {};
  const { env } = c;
  const causes = c.causes(c.events(c.regno ?? 0));
  const isCallback = c.message.startsWith('At callback') || c.message.startsWith('At async');
  const range = isCallback ? callbackRange(c.message) : (returnRange(env.programType, env.attachType) ?? callbackRange(c.message));
  const who = isCallback
    ? 'A callback'
    : `A program of type ${programType(env.programType)?.name ?? env.programType}${env.attachType ? ` (${env.attachType})` : ''}`;
  const returned = c.expression?.startsWith('return') ? c.expression.replace(/^return\s*/, '') : undefined;
  const what = returned !== undefined && returned !== '' ? (quoted(returned) ?? 'the value returned') : 'the value returned';
  if (register.type !== SCALAR_VALUE)
    return { explanation: `${who} returns a number; ${what} is ${kindOf(register)}.`, advice: 'Return a number.', causes };
  if (!range) return { causes };
  const [low, high] = range;
  const meaning = isCallback ? '' : (MEANINGS[env.programType] ?? '');
  const allowed = low === high ? `${low}` : high - low === 1 ? `${low} or ${high}` : `${low} to ${high}`;
  const known = register.scalar.mask === 0n ? knownRange(register) : knownRange(register);
  return {
    explanation: `${who} may return ${allowed}${meaning ? ` (${meaning})` : ''}; ${what} is ${known === 'any number' ? 'any number' : known}.`,
    advice:
      low === high
        ? `Return ${low}.`
        : high - low === 1
          ? `Return ${low} or ${high}, as \`return ${returned !== undefined && /^[\w.>-]+$/.test(returned) ? `!!${returned}` : 'condition ? 1 : 0'};\`.`
          : `Return a value from ${low} to ${high}.`,
    fix: { kind: 'return-range', low, high, insn: c.at },
    causes,
  };
}

function callbackRange(message: string): readonly [number, number] | undefined {
  const found = /should have been in \[(-?\d+), (-?\d+)\]/.exec(message);
  return found ? [Number(found[1]), Number(found[2])] : undefined;
}

/** Who takes back what a call gives. */
const RELEASES: readonly (readonly [RegExp, readonly string[]])[] = [
  [/^bpf_ringbuf_reserve$/, ['bpf_ringbuf_submit', 'bpf_ringbuf_discard']],
  [/^bpf_ringbuf_reserve_dynptr$/, ['bpf_ringbuf_submit_dynptr', 'bpf_ringbuf_discard_dynptr']],
  [/^bpf_(sk_lookup_|skc_lookup_|sk_fullsock)/, ['bpf_sk_release']],
  [/^bpf_task_(acquire|from_pid|from_vpid)/, ['bpf_task_release']],
  [/^bpf_cgroup_(acquire|from_id|ancestor)/, ['bpf_cgroup_release']],
  [/^bpf_cpumask_(create|acquire)/, ['bpf_cpumask_release']],
  [/^bpf_(obj_new|refcount_acquire|list_pop|rbtree_remove)/, ['bpf_obj_drop', 'bpf_kptr_xchg']],
  [/^bpf_percpu_obj_new/, ['bpf_percpu_obj_drop']],
  [/^bpf_kptr_xchg$/, ['bpf_obj_drop', 'the release function of the object']],
  [/^bpf_(xdp|skb)_ct_(lookup|alloc)|^bpf_ct_insert/, ['bpf_ct_release']],
  [/^bpf_iter_(\w+)_new$/, ['bpf_iter_$1_destroy']],
  [/^bpf_lookup_(user|system)_key$/, ['bpf_key_put']],
  [/^bpf_get_task_exe_file$/, ['bpf_put_file']],
];

function releasesOf(callee: string): readonly string[] {
  for (const [pattern, releases] of RELEASES) {
    const found = pattern.exec(callee);
    if (found) return releases.map((name) => name.replace('$1', found[1] ?? ''));
  }
  return [];
}

/** Comparisons on the path behind a step, oldest first; the last few say which way it went. */
function branchesSince(c: RejectedCase, insn: number, most: number): Cause[] {
  const from = c.path.findLastIndex((step) => step.insn === insn);
  const causes: Cause[] = [];
  const lines = new Set<number>();
  for (let i = c.path.length - 2; i > from && causes.length < most; i--) {
    const step = c.path[i]!;
    const jump = c.env.insns[step.insn]!;
    if (!isConditional(jump) || c.path[i + 1]!.frame !== step.frame) continue;
    const line = c.names.line(step.insn);
    const condition = conditionText(c, step.insn);
    if (!line || condition === undefined || lines.has(line.line)) continue;
    lines.add(line.line);
    const next = c.names.line(c.path[i + 1]!.insn)?.line;
    causes.push({
      insn: step.insn,
      kind: 'branch',
      text: `${quoted(condition) ?? 'this comparison'}: the path goes on ${next === undefined || next === line.line ? 'here' : `at line ${next}`}`,
    });
  }
  return causes.reverse();
}

/** reference-leak. */
export function explainLeak(c: RejectedCase): Explained {
  const held = c.references.filter((reference) => reference.kind === 'pointer');
  const first: Reference | undefined = held[0];
  if (!first) return {};
  const callee = describeCall(c.env, first.insn).replace(/\(\)$/, '');
  const name =
    (callee.endsWith('_dynptr') ? argumentText(c, 3, first.insn)?.replace(/^&/, '') : undefined) ??
    c.assignedAt(first.insn) ??
    (/_new$/.test(callee) ? argumentText(c, 0, first.insn)?.replace(/^&/, '') : undefined) ??
    heldBy(c, first.id);
  const releases = releasesOf(callee);
  const subject =
    name === undefined ? `What ${callText(c, first.insn)} acquired` : `\`${name}\`, which ${callText(c, first.insn)} acquired`;
  const path = branchesSince(c, first.insn, 4);
  const end = c.names.line(c.at);
  const leaves = c.message.includes('alloc_insn') && !/exit|prog/i.test(c.rejection.lines.at(-1) ?? '') ? 'here' : 'when this path ends';
  return {
    explanation: `${subject}${c.place(first.insn)}${name === undefined ? '' : ','} is still held ${leaves}${end && end.line > (c.names.line(first.insn)?.line ?? 0) ? ` at line ${end.line}` : ''}${isReleasedElsewhere(c, releases) ? ': this path forgets to release it' : ''}.`,
    advice:
      releases.length > 0
        ? `Call ${releases.map((one) => (one.includes(' ') ? one : `${one}()`)).join(' or ')} on every path, also before an early return.`
        : 'Release it on every path, also before an early return.',
    ...(name !== undefined && { variable: name }),
    ...(name !== undefined &&
      releases[0] &&
      !releases[0].includes(' ') && {
        fix: {
          kind: 'release' as const,
          with: releases.find((one) => one.includes('discard')) ?? releases[0],
          expression: /_destroy$/.test(releases[0]) ? `&${name}` : name,
          insn: c.at,
        },
      }),
    causes: [{ insn: first.insn, kind: 'origin', text: `${callText(c, first.insn)} acquires it` }, ...path],
  };
}

/** Whether some other path gives it back: then one was forgotten, and not the release altogether. */
function isReleasedElsewhere(c: RejectedCase, releases: readonly string[]): boolean {
  return c.env.insns.some(
    (insn, at) => insn.opcode === (BPF_JMP | BPF_CALL) && releases.includes(describeCall(c.env, at).replace(/\(\)$/, '')),
  );
}

/** The variable that holds an acquired pointer now. */
function heldBy(c: RejectedCase, id: number): string | undefined {
  const at = c.now.findIndex((register) => register.refObjId === id);
  return at < 0 ? undefined : c.names.inRegister(c.at, at)?.name;
}

/** reference-state. */
export function explainReferenceState(c: RejectedCase): Explained {
  const { register } = c;
  const callee = describeCall(c.env, c.at);
  const argument = argumentText(c, (c.regno ?? 1) - 1);
  const causes = c.causes(c.events());
  if (register?.type === SCALAR_VALUE || (register && register.refObjId === 0)) {
    const origin = c.events().find((event) => event.kind === 'call' || event.kind === 'load' || event.kind === 'released');
    const why =
      origin?.kind === 'released'
        ? `it was released already${c.place(origin.insn)}`
        : 'nothing has acquired it on this path, or it was released already';
    return {
      explanation: `${callee} gives back ${argument === undefined ? 'a pointer' : `\`${argument}\``}, which is not held: ${why}.`,
      advice: 'Release only what an acquiring call gave, once.',
      causes,
    };
  }
  return {
    explanation: `${callee} cannot take ${argument === undefined ? 'this argument' : `\`${argument}\``}: it needs one reference that this path holds.`,
    causes,
  };
}

/** A `for` or `while` in the lines of a loop, else its first line. */
function loopLine(c: RejectedCase, insns: readonly number[]): { line: number; text: string; insn: number } | undefined {
  let best: { line: number; text: string; insn: number } | undefined;
  for (const insn of insns) {
    const record = c.names.line(insn);
    if (!record) continue;
    const isHead = /\b(for|while|do|bpf_for|bpf_repeat)\b/.test(record.text);
    if (!best || (isHead && !/\b(for|while|do|bpf_for|bpf_repeat)\b/.test(best.text)))
      best = { line: record.line, text: record.text.trim(), insn };
  }
  return best;
}

/** Slots of the loop that holds an instruction. */
function loopOf(c: RejectedCase, insn: number): number[] {
  const component = c.env.facts.component[insn] ?? 0;
  if (component === 0) return [];
  return [...c.env.facts.component.keys()].filter((at) => c.env.facts.component[at] === component);
}

/** infinite-loop. */
export function explainEndless(c: RejectedCase): Explained {
  const loop = loopOf(c, c.at);
  const head = loopLine(c, loop);
  const condition = loop
    .filter((at) => isConditional(c.env.insns[at]!))
    .map((at) => conditionText(c, at))
    .find((text) => text !== undefined);
  const back = c.env.state.lastInsn;
  const counter = loop.length > 0 && condition !== undefined ? /^\(?\s*([A-Za-z_]\w*)\s*[<>=!]/.exec(condition)?.[1] : undefined;
  return {
    explanation: `The loop${head ? ` at line ${head.line}` : ''} comes round with nothing changed that the verifier follows${condition ? `: ${quoted(condition) ?? 'its condition'} can stay as it is for ever` : ''}.`,
    advice:
      counter === undefined
        ? 'Count the rounds against a constant: `for (int i = 0; i < 100; i++)`, or use bpf_loop().'
        : `Make sure that \`${counter}\` changes in every round and is compared with a constant, or use bpf_loop().`,
    ...(counter !== undefined && { variable: counter }),
    causes: [
      ...(head ? [{ insn: head.insn, kind: 'loop' as const, text: `the loop: ${quoted(head.text) ?? 'its first line'}` }] : []),
      ...(back >= 0
        ? [{ insn: back, kind: 'loop' as const, text: 'control comes back from here with every register and stack slot unchanged' }]
        : []),
    ],
  };
}

/** Lines by the instructions processed in them, most first. */
function busiestLines(c: RejectedCase): { insn: number; line: number; text: string; visits: number }[] {
  const lines = new Map<string, { insn: number; line: number; text: string; visits: number }>();
  c.env.visits.forEach((visits, insn) => {
    const record = visits > 0 ? c.names.line(insn) : undefined;
    if (!record) return;
    const key = `${record.file}:${record.line}`;
    const known = lines.get(key);
    if (known) known.visits += visits;
    else lines.set(key, { insn, line: record.line, text: record.text.trim(), visits });
  });
  return [...lines.values()].sort((a, b) => b.visits - a.visits);
}

/** too-large: which loop took the share. */
export function explainTooLarge(c: RejectedCase): Explained {
  const total = Math.max(1, c.env.processed);
  const loops = new Map<number, number>();
  c.env.visits.forEach((visits, insn) => {
    const component = c.env.facts.component[insn] ?? 0;
    if (component !== 0) loops.set(component, (loops.get(component) ?? 0) + visits);
  });
  const [component, share] = [...loops].sort((a, b) => b[1] - a[1])[0] ?? [0, 0];
  const loop = component === 0 ? [] : [...c.env.facts.component.keys()].filter((at) => c.env.facts.component[at] === component);
  const head = loopLine(c, loop);
  const percent = (visits: number): string => `${Math.round((visits / total) * 100)} %`;
  const lines = busiestLines(c).slice(0, 4);
  const rounds = loop.length > 0 ? Math.round(share / loop.length) : 0;
  const causes: Cause[] = lines
    .filter(({ visits }) => visits * 100 >= total)
    .map(({ insn, visits, text }) => ({
      insn,
      kind: 'loop',
      text: `${percent(visits)} of all instructions processed are in this line${text ? `: ${quoted(text) ?? ''}` : ''}`,
    }));
  if (head && share / total > 0.3) {
    return {
      explanation: `The loop at line ${head.line} took ${percent(share)} of the ${MAX_PROCESSED.toLocaleString('en')} instructions that the verifier is willing to follow: about ${rounds.toLocaleString('en')} rounds.`,
      advice: "Make the loop's body simpler or its bound smaller; bpf_loop(), bpf_for() and bpf_repeat() are verified once for all rounds.",
      known: `${percent(share)} in the loop of line ${head.line}`,
      causes,
    };
  }
  const first = lines[0];
  return {
    ...(first && {
      explanation: `The verifier gave up after ${MAX_PROCESSED.toLocaleString('en')} instructions; line ${first.line} alone took ${percent(first.visits)}, since it is reached on many different paths.`,
    }),
    causes,
  };
}

/** too-many-branches. */
export function explainManyBranches(c: RejectedCase): Explained {
  const waiting = new Map<number, number>();
  for (const { previous } of c.env.pending) waiting.set(previous, (waiting.get(previous) ?? 0) + 1);
  const [insn, count] = [...waiting].sort((a, b) => b[1] - a[1])[0] ?? [-1, 0];
  if (insn < 0) return {};
  const condition = conditionText(c, insn);
  const head = loopLine(c, loopOf(c, insn));
  const line = c.names.line(insn);
  return {
    explanation: `${(condition && quoted(condition)) ?? 'One comparison'}${line ? ` at line ${line.line}` : ''} has left ${count} branches to come back to${head ? `: it is in the loop at line ${head.line}` : ''}; the verifier keeps at most 8192.`,
    advice: head
      ? 'Loop with bpf_loop() or bpf_for(), which are verified once for all rounds, or move the branch out of the loop.'
      : 'Reduce the number of branches in a row.',
    causes: [{ insn, kind: 'loop', text: `this branch is taken up ${count} times` }],
  };
}

/** stack-depth. */
export function explainStackDepth(c: RejectedCase): Explained {
  const { env } = c;
  const deep = env.subprograms
    .map(({ name, stackDepth, start }) => ({ name, stackDepth, start }))
    .filter(({ stackDepth }) => stackDepth > 0)
    .sort((a, b) => b.stackDepth - a.stackDepth);
  const largest = deep[0];
  if (!largest) return {};
  const variables = (start: number, end: number): string => {
    const found = new Map<string, number>();
    for (let at = start; at < end; at++) for (const { name, layout } of c.names.stackVariables(at)) found.set(name, layout.size);
    return [...found]
      .sort((a, b) => b[1] - a[1])
      .slice(0, 2)
      .filter(([, size]) => size >= 32)
      .map(([name, size]) => `\`${name}\` has ${size}`)
      .join(', ');
  };
  return {
    explanation: `${
      c.rejection.details.known ??
      deep
        .slice(0, 4)
        .map(({ name, stackDepth }) => `${name} uses ${stackDepth}`)
        .join(', ')
    }: together more than the 512 bytes of stack that a chain of calls shares.`,
    advice: 'Make large variables smaller, or keep them in a per-CPU array map with one element.',
    causes: deep.slice(0, 4).map(({ name, stackDepth, start }) => {
      const locals = variables(start, env.subprograms.find((one) => one.start === start)!.end);
      return {
        insn: start,
        kind: 'declared' as const,
        text: `${name}() uses ${byteCount(stackDepth)} of stack${locals ? `: ${locals}` : ''}`,
      };
    }),
  };
}

/** stack-uninitialised: which variable's bytes. */
export function explainUninitialisedStack(c: RejectedCase): Explained {
  const { access } = c.rejection.details;
  const { register } = c;
  if (!access) return {};
  const frame = register?.type === PTR_TO_STACK ? register.frame : c.env.state.frame.number;
  const slot = c.env.state.frames[frame + 1]?.callsite ?? c.at;
  const isCall = insnClass(c.insn!) === BPF_JMP || insnClass(c.insn!) === BPF_JMP32;
  const given = isCall ? argumentText(c, (c.regno ?? 1) - 1)?.replace(/^&/, '') : undefined;
  const variable = c.names.onStack(slot, access.off) ?? (given === undefined ? undefined : withOffset(c, given, register));
  const events = c.stackEvents(frame, access.off, 1);
  const causes = c.causes(events).filter(({ kind }) => kind !== 'branch');
  const use = isCall ? `${describeCall(c.env, c.at)} reads` : 'it is read';
  if (!variable)
    return {
      explanation: `${isCall ? `${describeCall(c.env, c.at)} reads` : 'The instruction reads'} ${access.size} byte${access.size === 1 ? '' : 's'} of stack, from fp${access.off}, that nothing on this path has written.`,
      causes,
    };
  const from = access.off - variable.offset;
  const special = specialObject(c, frame, access.off);
  if (special !== undefined) {
    return {
      explanation: `\`${variable.name}\` holds ${special}, and ${isCall ? `${describeCall(c.env, c.at)} would read` : 'this reads'} its bytes directly.`,
      advice: 'Use the helpers and kfuncs of that object.',
      variable: variable.name,
      causes,
    };
  }
  const uninitialised = uninitialisedIn(c, frame, variable.offset, variable.layout.size);
  const { members, padding } = partsOf(variable.layout, uninitialised?.[0] ?? from, uninitialised?.[1] ?? from + 1);
  const written = members.map((path) => `\`${variable.name}${path}\``);
  const gap = padding[0];
  const what =
    written.length > 0 && written.length <= 4
      ? written.join(', ')
      : gap
        ? `the padding at offset ${gap[0]}${gap[1] - gap[0] > 1 ? ` to ${gap[1] - 1}` : ''} of \`${variable.name}\` (${variable.layout.name})`
        : `\`${variable.name}\` (${variable.layout.name})`;
  const isPadding = written.length === 0 && gap !== undefined;
  return {
    explanation: `${what.charAt(0).toUpperCase()}${what.slice(1)} ${isPadding ? 'is never written' : `${written.length > 1 ? 'are' : 'is'} not initialised on this path`}, and ${use}${isCall ? ` all ${byteCount(variable.layout.size)}` : ''}.`,
    advice: `Initialise the whole variable, padding included: \`${variable.layout.name} ${variable.name} = {};\`${isPadding ? ', or `__builtin_memset()`: an initialiser may leave padding out' : ''}.`,
    variable: variable.name,
    fix: { kind: 'zero-initialise', variable: variable.name, insn: c.at },
    causes: [
      ...(variable.declared
        ? [{ insn: c.at, kind: 'declared' as const, text: `\`${variable.name}\` is declared here`, span: variable.declared }]
        : []),
      ...causes,
    ],
  };
}

/** An object on the stack that only its own helpers may read. */
function specialObject(c: RejectedCase, frame: number, offset: number): string | undefined {
  const slot = c.env.state.frames[frame]?.stack[Math.floor((-offset - 1) / 8)];
  switch (slot && byteKind(slot, (-offset - 1) % 8)) {
    case STACK_DYNPTR:
      return 'a dynptr';
    case STACK_ITER:
      return 'an iterator';
    case STACK_IRQ_FLAG:
      return 'a saved interrupt state';
    default:
      return undefined;
  }
}

function withOffset(c: RejectedCase, name: string, register: Register | undefined) {
  const found = c.names.byName(c.at, name);
  return found && register && register.scalar.mask === 0n
    ? { ...found, offset: register.off + Number(BigInt.asIntN(64, register.scalar.value)) }
    : undefined;
}

/** The first run of bytes of a variable that nothing has written, from its start. */
function uninitialisedIn(c: RejectedCase, frame: number, offset: number, size: number): [number, number] | undefined {
  const stack = c.env.state.frames[frame]?.stack ?? [];
  const isWritten = (at: number): boolean => {
    const slot = stack[Math.floor((-at - 1) / 8)];
    return slot !== undefined && ((slot.kinds >>> (((-at - 1) % 8) * 4)) & 0xf) !== 0;
  };
  let from = 0;
  while (from < size && isWritten(offset + from)) from++;
  if (from >= size) return undefined;
  let to = from;
  while (to < size && !isWritten(offset + to)) to++;
  return [from, to];
}

/** division-by-zero. */
export const explainDivision = (c: RejectedCase): Explained => ({
  explanation: `${c.shown ?? `Instruction ${c.at}`} divides by the constant 0.`,
});

/** frame-pointer-write. */
export const explainFramePointer = (c: RejectedCase): Explained => ({
  explanation: `${c.shown ?? `Instruction ${c.at}`} would change r10, which always points to the top of the function's stack.`,
});

/** invalid-program: struct_ops programs that the kernel cannot take. */
export function explainProgram(c: RejectedCase): Explained {
  const { structOps } = c.env.program;
  const where = structOps ? `member \`${structOps.member}\` of struct ${structOps.type}` : undefined;
  if (where !== undefined && c.message.includes('unsupported member'))
    return { explanation: `The kernel takes no program for ${where}.`, advice: 'Leave the member out of the struct.' };
  if (where !== undefined && c.message.includes('GPL'))
    return {
      explanation: `Programs for struct_ops (here ${where}) must be under a GPL-compatible licence; this object declares "${c.env.object.license}".`,
      advice: 'If the licence allows it: `char LICENSE[] SEC("license") = "GPL";`.',
      fix: { kind: 'license' },
    };
  return {};
}

/** unreachable. */
export function explainUnreachable(c: RejectedCase): Explained {
  const insn = c.insn;
  const before = c.env.insns[c.at - 1];
  if (!insn || !before) return {};
  const isJump = insnClass(before) === BPF_JMP && (before.opcode & 0xf0) === BPF_JA;
  return {
    explanation: `No path leads to instruction ${c.at}: ${isJump ? 'the one before it jumps away' : 'the one before it ends the function'}, and no jump goes there.`,
  };
}
