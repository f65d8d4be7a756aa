// Asks Linux 6.12 and 6.1 in the box (../shared/kernels) what 6.18 answers otherwise, or cannot be asked on a machine that is locked down:
// which program may call which helper and kfunc, what contexts hold, and of each LSM hook whether a program may be attached and may sleep.
// The answers are kept in test/catalog/older-kernels.json, and test/catalog/older-kernels.test.ts holds the catalogue to them.
// usage: npx tsx tools/probe-older-kernels.mts   (remove the file first; two boots of ten minutes each)

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readBtf, type Btf } from '../core/src/btf/index.ts';
import { attachType } from '../core/src/catalog/attach-types.ts';
import { contextRead, contextWrite, CONTEXT_ROWS } from '../core/src/catalog/contexts.ts';
import { helperAllowed, HELPERS } from '../core/src/catalog/helpers.ts';
import { KFUNCS } from '../core/src/catalog/kfuncs.ts';
import type { ProgramTypeName } from '../core/src/catalog/types.ts';
import { type BoxedKernel, boxedTypes, questions } from '../test/support/kernel-box.ts';
import type { LoadRequest } from '../test/support/kernel.ts';
import { BPF_F_SLEEPABLE, code, SIZES } from './probe-contexts.mts';

type Insn = readonly [number, number, number, number, number];

interface Place {
  type: ProgramTypeName;
  attach?: string;
  /** What stands for all functions, tracepoints, hooks and iterators that such a program may be attached to. */
  target?: string;
}

export interface KernelAnswers {
  /** By place, `type attach`: helpers and kfuncs that it may call. */
  helpers: Record<string, string[]>;
  kfuncs: Record<string, string[]>;
  /** Kfuncs that ask for a sleepable program. */
  sleepable: string[];
  /** By place: `r OFFSET SIZE` and `w OFFSET SIZE` that 6.18 allows and this kernel does not. */
  contexts: Record<string, string[]>;
  /** By hook: `s` it may sleep, `c` it may be of a cgroup, `d` it is disabled; and the values, of those asked, that it may return. */
  hooks: Record<string, string>;
  /** What an iterator's program reads from its context, by offset, in the words of the log. */
  iterators: Record<string, Record<string, string>>;
  /** Of these functions no tracing program may be attached to, with what the kernel says. */
  denied: Record<string, string>;
}

const EXIT: Insn = [0x95, 0, 0, 0, 0];
const MOV = (register: number, value: number): Insn => [0xb7, register, 0, 0, value];
const LOAD: Record<number, number> = { 1: 0x71, 2: 0x69, 4: 0x61, 8: 0x79 };
const STORE: Record<number, number> = { 1: 0x73, 2: 0x6b, 4: 0x63, 8: 0x7b };

export const placeName = ({ type, attach }: Place): string => (attach === undefined ? type : `${type} ${attach}`);

function places(): Place[] {
  const list: Place[] = CONTEXT_ROWS.flatMap(({ programType, attachTypes }) =>
    attachTypes.map((attach): Place => ({ type: programType, ...(attach === null ? {} : { attach }) })),
  );
  return [
    ...list,
    { type: 'tracing', attach: 'BPF_TRACE_FENTRY', target: 'vfs_open' },
    { type: 'tracing', attach: 'BPF_TRACE_FEXIT', target: 'vfs_open' },
    { type: 'tracing', attach: 'BPF_MODIFY_RETURN', target: 'security_file_open' },
    { type: 'tracing', attach: 'BPF_TRACE_RAW_TP', target: 'sched_switch' },
    { type: 'tracing', attach: 'BPF_TRACE_ITER', target: 'task' },
    { type: 'lsm', attach: 'BPF_LSM_MAC', target: 'file_open' },
    { type: 'lsm', attach: 'BPF_LSM_CGROUP', target: 'socket_bind' },
    { type: 'struct_ops', target: 'tcp_congestion_ops ssthresh' },
  ];
}

function requestFor(btf: Btf, { type, attach, target }: Place, insns: readonly Insn[], flags = 0, logLevel = 1): LoadRequest {
  let request: LoadRequest = { type, insns: code(...insns), progFlags: flags, logLevel };
  if (attach !== undefined) request = { ...request, attachType: attachType(attach)!.id };
  if (target === undefined) return request;
  if (type === 'struct_ops') {
    const [struct, member] = target.split(' ');
    const id = btf.find(struct!, 'struct')!;
    const row = btf.type(id);
    const index = row?.kind === 'struct' ? row.members.findIndex(({ name }) => name === member) : -1;
    return { ...request, attachBtfId: id, attachType: index };
  }
  const name =
    type === 'lsm'
      ? `bpf_lsm_${target}`
      : attach === 'BPF_TRACE_ITER'
        ? `bpf_iter_${target}`
        : attach === 'BPF_TRACE_RAW_TP'
          ? `btf_trace_${target}`
          : target;
  const id = btf.find(name, attach === 'BPF_TRACE_RAW_TP' ? 'typedef' : 'func');
  return { ...request, attachBtfId: id ?? 0 };
}

const firstLine = (log: string): string =>
  log
    .split('\n')
    .find(
      (line) => line !== '' && !/^(func|processed|arg#|reg type unsupported|\d+: |R\d|;|verification|stack|Live|mark_|  )/.test(line),
    ) ?? '';

async function askKernel(kernel: BoxedKernel): Promise<KernelAnswers> {
  const { btf } = readBtf(await boxedTypes(kernel));
  if (!btf) throw new Error(`the types of ${kernel} cannot be read`);
  const box = questions();
  const answers: KernelAnswers = { helpers: {}, kfuncs: {}, sleepable: [], contexts: {}, hooks: {}, iterators: {}, denied: {} };
  const open: Promise<void>[] = [];
  const ask = (request: LoadRequest, then: (loaded: boolean, log: string) => void): void =>
    void open.push(box.load(request).then(({ verdict, log }) => then(verdict === 'loaded', log)));
  const add = (to: Record<string, string[]>, key: string, what: string): void => void (to[key] ??= []).push(what);
  const sleepable = new Set<string>();
  for (const place of places()) {
    const key = placeName(place);
    const row = CONTEXT_ROWS.find((one) => one.programType === place.type && one.attachTypes.includes(place.attach ?? null));
    const returns = row?.returns?.[0] ?? 0;
    const flags = place.type === 'syscall' ? BPF_F_SLEEPABLE : 0;
    for (const helper of HELPERS) {
      const { id, name } = helper;
      // What the documents and 6.18 agree on is not asked again: a boot has time for some thousand questions.
      if (
        row &&
        !(
          helperAllowed(helper, place.type, place.attach, '6.18').allowed &&
          !helperAllowed(helper, place.type, place.attach, kernel).allowed
        )
      )
        continue;
      ask(requestFor(btf, place, [[0x85, 0, 0, 0, id], MOV(0, returns), EXIT], flags), (loaded, log) => {
        if (loaded || !/unknown func|cannot use helper|invalid func/.test(log)) {
          // A refusal that does not come to the call says nothing of it.
          if (loaded || /^\d+: \(85\)/m.test(log)) add(answers.helpers, key, name);
        }
      });
    }
    if (row && row.attachTypes[0] !== (place.attach ?? null)) continue;
    for (const { name } of KFUNCS) {
      const id = btf.find(name, 'func');
      if (id === undefined) continue;
      ask(requestFor(btf, place, [[0x85, 0, 2, 0, id], MOV(0, returns), EXIT], flags), (loaded, log) => {
        if (!loaded && /calling kernel function \S+ is not allowed|is not allowed for|invalid kernel function|not supported/.test(log))
          return;
        if (loaded || /^\d+: \(85\)/m.test(log)) add(answers.kfuncs, key, name);
        if (/must be sleepable to call sleepable kfunc/.test(log)) sleepable.add(name);
      });
    }
    if (
      !row ||
      row.attachTypes[0] !== (place.attach ?? null) ||
      ['tracepoint', 'raw_tracepoint', 'raw_tracepoint_writable', 'syscall', 'kprobe'].includes(place.type)
    )
      continue;
    const extent = Math.max(...row.reads.map(({ to, size }) => to + size));
    for (const size of SIZES)
      for (let offset = 0; offset < extent; offset += size) {
        if (contextRead(row, offset, size))
          ask(requestFor(btf, place, [[LOAD[size]!, 2, 1, offset, 0], MOV(0, returns), EXIT], flags), (loaded) => {
            if (!loaded) add(answers.contexts, key, `r ${offset} ${size}`);
          });
        if (contextWrite(row, offset, size))
          ask(requestFor(btf, place, [MOV(2, 0), [STORE[size]!, 1, 2, offset, 0], MOV(0, returns), EXIT], flags), (loaded) => {
            if (!loaded) add(answers.contexts, key, `w ${offset} ${size}`);
          });
      }
  }
  for (let id = 1; id < btf.typeCount; id++) {
    const type = btf.type(id)!;
    if (type.kind !== 'func') continue;
    const hook = /^bpf_lsm_(.*)$/.exec(type.name)?.[1];
    const iterator = /^bpf_iter_(.*)$/.exec(type.name)?.[1];
    if (hook !== undefined) {
      const place: Place = { type: 'lsm', attach: 'BPF_LSM_MAC', target: hook };
      const note = (word: string): void => void (answers.hooks[hook] = `${answers.hooks[hook] ?? ''} ${word}`);
      for (const value of [0])
        ask(requestFor(btf, place, [MOV(0, value), EXIT]), (loaded, log) => {
          if (loaded) note(String(value));
          else if (/disabled hook/.test(log) && value === 0) note('d');
          else if (!/should have been in/.test(log) && value === 0) note(`(${firstLine(log)})`);
        });
      ask(requestFor(btf, place, [MOV(0, 0), EXIT], BPF_F_SLEEPABLE), (loaded) => loaded && note('s'));
      for (const value of [1])
        ask(requestFor(btf, { ...place, attach: 'BPF_LSM_CGROUP' }, [MOV(0, value), EXIT]), (loaded) => loaded && note(`c${value}`));
    }
    if (iterator !== undefined) {
      const proto = btf.type(type.type);
      const place: Place = { type: 'tracing', attach: 'BPF_TRACE_ITER', target: iterator };
      for (let index = 0; proto?.kind === 'func_proto' && index < proto.parameters.length; index++)
        ask(requestFor(btf, place, [[0x79, 2, 1, index * 8, 0], MOV(0, 0), EXIT], 0, 2), (_, log) => {
          const state = /R2(?:_w)?=(\S+?)(?:\(| |$)/m.exec(log)?.[1];
          if (state !== undefined) (answers.iterators[iterator] ??= {})[`${index} ${proto.parameters[index]!.name}`] = state;
        });
    }
  }
  for (const name of DENIED) {
    if (btf.find(name, 'func') === undefined) continue;
    for (const attach of ['BPF_TRACE_FENTRY', 'BPF_TRACE_FEXIT'])
      ask(requestFor(btf, { type: 'tracing', attach, target: name }, [MOV(0, 0), EXIT]), (loaded, log) => {
        if (!loaded) answers.denied[`${name} ${attach}`] = log.split('\n')[0]!;
      });
  }
  await box.ask(kernel);
  await Promise.all(open);
  answers.sleepable = [...sleepable].sort();
  return answers;
}

/** Functions that a trampoline would call itself through, or that never return. */
const DENIED = `migrate_disable migrate_enable rcu_read_unlock_strict preempt_count_add preempt_count_sub __rcu_read_lock __rcu_read_unlock
  do_exit do_group_exit make_task_dead kthread_exit kthread_complete_and_exit __module_put_and_kthread_exit __x64_sys_exit __x64_sys_exit_group
  __fortify_panic panic rewind_stack_and_make_dead stop_this_cpu vfs_open schedule __schedule bpf_prog_run_xdp __bpf_prog_enter
  __bpf_prog_exit bpf_get_current_task bpf_spin_lock notrace rcu_read_unlock_trace_special __bpf_tramp_enter __bpf_tramp_exit
  update_prog_stats __kasan_check_read __cond_resched copy_from_kernel_nofault`.split(/\s+/);

const raw = fileURLToPath(new URL('../test/catalog/older-kernels.json', import.meta.url));
const known: Partial<Record<BoxedKernel, KernelAnswers>> = existsSync(raw) ? JSON.parse(readFileSync(raw, 'utf8')) : {};
for (const kernel of ['6.12', '6.1'] as const) {
  known[kernel] ??= await askKernel(kernel);
  writeFileSync(raw, JSON.stringify(known));
}
