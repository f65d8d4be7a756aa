// Calls of helpers and kfuncs: small programs with the verdict and the kernel's first line, and the same asked of the kernel at hand.
// A case is a name, a section, the text, and what the kernel says: nothing where it accepts.
import { existsSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import { afterAll, describe, expect, it } from 'vitest';
import { readBtf, type Btf } from '#core/btf';
import { attachType } from '#core/catalog';
import { BPF_PSEUDO_KFUNC_CALL } from '#core/isa';
import { loadAssembly, type LoadedObject } from '#core/program';
import { verify } from '#core/verifier';
import { readTargetKernel } from '#toolchain';
import { openKernel } from '#test/kernel';
import { firstError } from '../../tools/fuzz-helper-calls.mts';

const ours = readTargetKernel().btf;

const MAPS = `
.license "GPL"
.map hash, type=hash, key=4, value=16, max_entries=4
.map array, type=array, key=4, value=16, max_entries=4
.map progs, type=prog_array, key=4, value=4, max_entries=4
.map events, type=perf_event_array, key=4, value=4, max_entries=4
.map ring, type=ringbuf, key=0, value=0, max_entries=4096
.map sockets, type=sockmap, key=4, value=4, max_entries=4
.map devices, type=devmap, key=4, value=4, max_entries=4
.map fifo, type=queue, key=0, value=8, max_entries=4
`;

/** r0 = a value of `hash`, or the program ends. */
const LOOKUP = 'w1 = 1\n *(u32 *)(r10 - 4) = w1\n r1 = hash ll\n r2 = r10\n r2 += -4\n call bpf_map_lookup_elem\n if r0 == 0 goto out';
const RESERVE = 'r1 = ring ll\n r2 = 16\n r3 = 0\n call bpf_ringbuf_reserve\n if r0 == 0 goto out';
const END = 'out: r0 = 0\n exit';
const NAMES = [
  'bpf_rcu_read_lock',
  'bpf_rcu_read_unlock',
  'bpf_preempt_disable',
  'bpf_preempt_enable',
  'bpf_local_irq_save',
  'bpf_local_irq_restore',
  'bpf_task_from_pid',
  'bpf_task_release',
  'bpf_iter_num_new',
  'bpf_iter_num_next',
  'bpf_iter_num_destroy',
  'bpf_dynptr_from_skb',
  'bpf_dynptr_slice',
  'bpf_copy_from_user_str',
  'bpf_cpumask_create',
  'bpf_cpumask_release',
  'bpf_throw',
  'bpf_dynptr_size',
  'bpf_xdp_pull_data',
  'bpf_task_acquire',
];

/** Bytes into a kernel struct at which a member lies. */
function offsetOf(struct: string, member: string): number {
  const type = ours?.type(ours.find(struct, 'struct') ?? 0);
  const found = type?.kind === 'struct' ? type.members.find(({ name }) => name === member) : undefined;
  return (found?.bitOffset ?? 0) / 8;
}

/** r7 = one byte of the packet in bounds. */
const PACKET = 'r6 = r1\n r7 = *(u32 *)(r1 + 0)\n r8 = *(u32 *)(r1 + 4)\n r2 = r7\n r2 += 1\n if r2 > r8 goto out';
/** r7 = eight bytes of a dynptr over the packet. */
const SLICE =
  'r6 = r1\n r2 = 0\n r3 = r10\n r3 += -16\n call bpf_dynptr_from_skb\n if r0 != 0 goto out\n r1 = r10\n r1 += -16\n r2 = 0\n r3 = r10\n r3 += -24\n r4 = 8\n call bpf_dynptr_slice\n if r0 == 0 goto out\n r7 = r0';
/** r7 = the parent of the current task, kept alive by RCU. */
const PARENT = `call bpf_get_current_task_btf\n r6 = r0\n call bpf_rcu_read_lock\n r7 = *(u64 *)(r6 + ${offsetOf('task_struct', 'real_parent')})`;
const ACQUIRE = 'r1 = r7\n call bpf_task_acquire\n r8 = r0';
const GIVE_BACK = 'if r8 == 0 goto out\n r1 = r8\n call bpf_task_release';

const CASES: readonly (readonly [name: string, section: string, text: string, message?: string])[] = [
  ['the packet', 'xdp', `${PACKET}\n r0 = *(u8 *)(r7 + 0)\n ${END}`],
  [
    'the packet after bpf_xdp_pull_data',
    'xdp',
    `${PACKET}\n r1 = r6\n r2 = 1\n call bpf_xdp_pull_data\n r0 = *(u8 *)(r7 + 0)\n ${END}`,
    "R7 invalid mem access 'scalar'",
  ],
  ['a pointer under RCU', 'tp/sched/sched_switch', `${PARENT}\n ${ACQUIRE}\n call bpf_rcu_read_unlock\n ${GIVE_BACK}\n ${END}`],
  [
    'a pointer after RCU',
    'tp/sched/sched_switch',
    `${PARENT}\n call bpf_rcu_read_unlock\n ${ACQUIRE}\n ${GIVE_BACK}\n ${END}`,
    'R1 must be a rcu pointer',
  ],
  ['a slice of a dynptr', 'tc', `${SLICE}\n r0 = *(u8 *)(r7 + 0)\n ${END}`],
  [
    'a slice of a dynptr after the packet has changed',
    'tc',
    `${SLICE}\n r1 = r6\n r2 = 0\n call bpf_skb_pull_data\n r0 = *(u8 *)(r7 + 0)\n ${END}`,
    "R7 invalid mem access 'scalar'",
  ],
  ['a lookup and its check', 'xdp', `${LOOKUP}\n r1 = *(u64 *)(r0 + 8)\n ${END}`],
  [
    'a lookup without check',
    'xdp',
    `w1 = 1\n *(u32 *)(r10 - 4) = w1\n r1 = hash ll\n r2 = r10\n r2 += -4\n call bpf_map_lookup_elem\n r1 = *(u64 *)(r0 + 0)\n ${END}`,
    "R0 invalid mem access 'map_value_or_null'",
  ],
  ['beyond the value', 'xdp', `${LOOKUP}\n r1 = *(u64 *)(r0 + 12)\n ${END}`, 'invalid access to map value, value_size=16 off=12 size=8'],
  [
    'a constant key of an array cannot miss',
    'xdp',
    `w1 = 3\n *(u32 *)(r10 - 8) = w1\n r1 = array ll\n r2 = r10\n r2 += -8\n call bpf_map_lookup_elem\n r1 = *(u64 *)(r0 + 8)\n ${END}`,
  ],
  [
    'a constant key past the array',
    'xdp',
    `w1 = 4\n *(u32 *)(r10 - 8) = w1\n r1 = array ll\n r2 = r10\n r2 += -8\n call bpf_map_lookup_elem\n r1 = *(u64 *)(r0 + 8)\n ${END}`,
    "R0 invalid mem access 'map_value_or_null'",
  ],
  ['a number for a map', 'xdp', `r1 = 0\n r2 = r10\n r2 += -4\n call bpf_map_lookup_elem\n ${END}`, 'R1 type=scalar expected=map_ptr'],
  ['an argument never set', 'xdp', `r1 = hash ll\n call bpf_map_lookup_elem\n ${END}`, 'R2 !read_ok'],
  [
    'a helper of another type',
    'kprobe',
    `call bpf_xdp_adjust_head\n ${END}`,
    'program of this type cannot use helper bpf_xdp_adjust_head#44',
  ],
  ['no such helper', 'xdp', `call 250\n ${END}`, 'invalid func unknown#250'],
  [
    'a helper for the wrong map',
    'xdp',
    `r2 = fifo ll\n r1 = r2\n r2 = r10\n r2 += -8\n r3 = 0\n *(u64 *)(r10 - 8) = r3\n call bpf_map_lookup_elem\n ${END}`,
    'invalid zero-sized read',
  ],
  ['a stack frame for the context', 'xdp', `r1 = r10\n r2 = 0\n call bpf_xdp_adjust_head\n ${END}`, 'R1 type=fp expected=ctx'],
  ['a moved context', 'xdp', `r1 += 8\n r2 = 0\n call bpf_xdp_adjust_head\n ${END}`, 'dereference of modified ctx ptr R1 off=8 disallowed'],
  [
    'packet pointers after the packet moved',
    'xdp',
    `r6 = r1\n r7 = *(u32 *)(r1 + 0)\n r2 = -4\n call bpf_xdp_adjust_head\n r0 = *(u8 *)(r7 + 0)\n ${END}`,
    "R7 invalid mem access 'scalar'",
  ],
  [
    'a negative size',
    'kprobe',
    `r1 = r10\n r1 += -16\n r2 = -1\n r3 = 0\n call bpf_probe_read_kernel\n ${END}`,
    "R2 min value is negative, either use unsigned or 'var &= const'",
  ],
  [
    'a size without bound',
    'kprobe',
    `call bpf_ktime_get_ns\n w2 = w0\n r1 = r10\n r1 += -16\n r3 = 0\n call bpf_probe_read_kernel\n ${END}`,
    "R2 unbounded memory access, use 'var &= const' or 'if (var < const)'",
  ],
  [
    'a size larger than the buffer',
    'kprobe',
    `r1 = r10\n r1 += -16\n r2 = 17\n r3 = 0\n call bpf_probe_read_kernel\n ${END}`,
    'invalid write to stack R1 off=-16 size=17',
  ],
  [
    'size zero where none may be',
    'kprobe',
    `r1 = r10\n r1 += -16\n r2 = 0\n call bpf_get_current_comm\n ${END}`,
    'R2 invalid zero-sized read: u64=[0,0]',
  ],
  ['NULL where it may be', 'xdp', `r1 = 0\n r2 = 0\n r3 = 0\n r4 = 0\n r5 = 0\n call bpf_csum_diff\n ${END}`],
  ['a record reserved and submitted', 'xdp', `${RESERVE}\n r1 = r0\n r2 = 0\n call bpf_ringbuf_submit\n ${END}`],
  ['a record never submitted', 'xdp', `${RESERVE}\n ${END}`, 'Unreleased reference id=2 alloc_insn=4'],
  [
    'a record submitted twice',
    'xdp',
    `${RESERVE}\n r6 = r0\n r1 = r0\n r2 = 0\n call bpf_ringbuf_submit\n r1 = r6\n r2 = 0\n call bpf_ringbuf_submit\n ${END}`,
    'R1 type=scalar expected=ringbuf_mem',
  ],
  [
    'part of a record submitted',
    'xdp',
    `${RESERVE}\n r1 = r0\n r1 += 8\n r2 = 0\n call bpf_ringbuf_submit\n ${END}`,
    'R1 must have zero offset when passed to release func or trusted arg to kfunc',
  ],
  [
    'a record of unknown size',
    'xdp',
    `call bpf_ktime_get_ns\n r2 = r0\n r1 = ring ll\n r3 = 0\n call bpf_ringbuf_reserve\n ${END}`,
    "R2 is not a known constant'",
  ],
  [
    'a reference through a tail call',
    'xdp',
    `r6 = r1\n ${RESERVE}\n r7 = r0\n r1 = r6\n r2 = progs ll\n r3 = 0\n call bpf_tail_call\n r1 = r7\n r2 = 0\n call bpf_ringbuf_discard\n ${END}`,
    'Unreleased reference id=2 alloc_insn=5',
  ],
  ['a tail call into a hash', 'xdp', `r2 = hash ll\n r3 = 0\n call bpf_tail_call\n ${END}`, 'expected prog array map for tail call'],
  [
    'a map of devices is read-only',
    'xdp',
    `r3 = 0\n *(u64 *)(r10 - 8) = r3\n r1 = devices ll\n r2 = r10\n r2 += -8\n call bpf_map_lookup_elem\n if r0 == 0 goto out\n *(u32 *)(r0 + 0) = 1\n ${END}`,
    'write into map forbidden, value_size=4 off=0 size=4',
  ],
  [
    'a socket map changed in a probe',
    'kprobe',
    `r3 = 0\n *(u64 *)(r10 - 8) = r3\n r1 = sockets ll\n r2 = r10\n r2 += -8\n call bpf_map_delete_elem\n ${END}`,
    'cannot update sockmap in this context',
  ],
  [
    'a bpf_loop round',
    'xdp',
    `r1 = 4\n r2 = round ll\n r3 = 0\n r4 = 0\n call bpf_loop\n ${END}\n.type round, @function\nround: r0 = 0\n exit`,
  ],
  [
    'a callback returns 2',
    'xdp',
    `r1 = 4\n r2 = round ll\n r3 = 0\n r4 = 0\n call bpf_loop\n ${END}\n.type round, @function\nround: r0 = 2\n exit`,
    'At callback return the register R0 has smin=2 smax=2 should have been in [0, 1]',
  ],
  [
    'a callback uses a missing argument',
    'xdp',
    `r1 = 4\n r2 = round ll\n r3 = 0\n r4 = 0\n call bpf_loop\n ${END}\n.type round, @function\nround: r0 = *(u8 *)(r2 + 0)\n exit`,
    "R2 invalid mem access 'scalar'",
  ],
  [
    'a dynptr and its record',
    'xdp',
    'r1 = ring ll\n r2 = 8\n r3 = 0\n r4 = r10\n r4 += -16\n call bpf_ringbuf_reserve_dynptr\n r1 = r10\n r1 += -16\n r2 = 0\n call bpf_ringbuf_submit_dynptr\n r0 = 0\n exit',
  ],
  [
    'a dynptr overwritten',
    'xdp',
    'r1 = ring ll\n r2 = 8\n r3 = 0\n r4 = r10\n r4 += -16\n call bpf_ringbuf_reserve_dynptr\n r1 = 0\n *(u64 *)(r10 - 16) = r1\n r0 = 0\n exit',
    'cannot overwrite referenced dynptr',
  ],
  [
    'a dynptr read before it is made',
    'xdp',
    'r1 = r10\n r1 += -16\n call bpf_dynptr_size\n r0 = 0\n exit',
    'Expected an initialized dynptr as arg #0',
  ],
  [
    'a dynptr at an odd place',
    'xdp',
    'r1 = ring ll\n r2 = 8\n r3 = 0\n r4 = r10\n r4 += -12\n call bpf_ringbuf_reserve_dynptr\n r0 = 0\n exit',
    'cannot pass in dynptr at an offset=-12',
  ],
  ['RCU opened and closed', 'tc', 'call bpf_rcu_read_lock\n call bpf_rcu_read_unlock\n r0 = 0\n exit'],
  [
    'RCU left open',
    'tc',
    'call bpf_rcu_read_lock\n r0 = 0\n exit',
    'BPF_EXIT instruction in main prog cannot be used inside bpf_rcu_read_lock-ed region',
  ],
  ['RCU closed only', 'tc', 'call bpf_rcu_read_unlock\n r0 = 0\n exit', 'unmatched rcu read unlock (kernel function bpf_rcu_read_unlock)'],
  [
    'preemption enabled only',
    'tc',
    'call bpf_preempt_enable\n r0 = 0\n exit',
    'unmatched attempt to enable preemption (kernel function bpf_preempt_enable)',
  ],
  [
    'interrupts restored in the wrong order',
    'tc',
    'r1 = r10\n r1 += -8\n call bpf_local_irq_save\n r1 = r10\n r1 += -16\n call bpf_local_irq_save\n r1 = r10\n r1 += -8\n call bpf_local_irq_restore\n r0 = 0\n exit',
    'cannot restore irq state out of order, expected id=2 acquired at insn_idx=5',
  ],
  ['a task taken and given back', 'tc', `r1 = 1\n call bpf_task_from_pid\n if r0 == 0 goto out\n r1 = r0\n call bpf_task_release\n ${END}`],
  [
    'a task that may be NULL given back',
    'tc',
    'r1 = 1\n call bpf_task_from_pid\n r1 = r0\n call bpf_task_release\n r0 = 0\n exit',
    'Possibly NULL pointer passed to trusted arg0',
  ],
  ['a task kept', 'tc', 'r1 = 1\n call bpf_task_from_pid\n r0 = 0\n exit', 'Unreleased reference id=2 alloc_insn=1'],
  [
    'a kfunc of other types',
    'kprobe',
    'call bpf_cpumask_create\n r0 = 0\n exit',
    'calling kernel function bpf_cpumask_create is not allowed',
  ],
  [
    'a sleeping kfunc',
    'tc',
    'r1 = r10\n r1 += -8\n r2 = 8\n r3 = 0\n r4 = 0\n call bpf_copy_from_user_str\n r0 = 0\n exit',
    'program must be sleepable to call sleepable kfunc bpf_copy_from_user_str',
  ],
  [
    'a loop over an iterator',
    'xdp',
    'r1 = r10\n r1 += -8\n r2 = 0\n r3 = 10\n call bpf_iter_num_new\n again: r1 = r10\n r1 += -8\n call bpf_iter_num_next\n if r0 != 0 goto again\n r1 = r10\n r1 += -8\n call bpf_iter_num_destroy\n r0 = 0\n exit',
  ],
  [
    'an iterator never ended',
    'xdp',
    'r1 = r10\n r1 += -8\n r2 = 0\n r3 = 10\n call bpf_iter_num_new\n r0 = 0\n exit',
    'Unreleased reference id=1 alloc_insn=4',
  ],
  [
    'an iterator never begun',
    'xdp',
    'r1 = r10\n r1 += -8\n call bpf_iter_num_next\n r0 = 0\n exit',
    'expected an initialized iter_num as arg #0',
  ],
  [
    'an iterator read directly',
    'xdp',
    'r1 = r10\n r1 += -8\n r2 = 0\n r3 = 10\n call bpf_iter_num_new\n r1 = *(u64 *)(r10 - 8)\n r0 = 0\n exit',
    'invalid read from stack off -8+0 size 8',
  ],
  [
    'a slice of a packet, checked',
    'tc',
    `r2 = 0\n r3 = r10\n r3 += -16\n call bpf_dynptr_from_skb\n r1 = r10\n r1 += -16\n r2 = 0\n r3 = r10\n r3 += -32\n r4 = 16\n call bpf_dynptr_slice\n if r0 == 0 goto out\n r1 = *(u8 *)(r0 + 15)\n ${END}`,
  ],
  [
    'a slice is read-only',
    'tc',
    `r2 = 0\n r3 = r10\n r3 += -16\n call bpf_dynptr_from_skb\n r1 = r10\n r1 += -16\n r2 = 0\n r3 = r10\n r3 += -32\n r4 = 16\n call bpf_dynptr_slice\n if r0 == 0 goto out\n *(u8 *)(r0 + 15) = 1\n ${END}`,
    'R0 cannot write into rdonly_mem',
  ],
  ['thrown with a record in hand', 'tc', `${RESERVE}\n r1 = 0\n call bpf_throw\n ${END}`, 'Unreleased reference id=2 alloc_insn=4'],
];

const ROWS = CASES.map(([name, section, text, message]) => ({ name, section, text, message }));

function load(section: string, text: string): LoadedObject {
  return loadAssembly(
    `${MAPS}${NAMES.filter((name) => text.includes(`call ${name}`))
      .map((name) => `.extern ${name}\n`)
      .join('')}.section "${section}"\n.globl main\nmain:\n${text}\n`,
    'case.bpf.s',
  );
}

describe('calls', () => {
  it.each(ROWS)('$name', ({ section, text, message }) => {
    const object = load(section, text);
    expect(object.problems.concat(object.programs[0]?.problems ?? []).filter((problem) => problem.severity === 'error')).toEqual([]);
    const verdict = verify(object.programs[0]!, object, { kernel: '6.18', ...(ours ? { kernelBtf: ours } : {}) });
    expect(verdict.findings[0]?.message).toBe(message);
    expect(verdict.verdict).toBe(message === undefined ? 'accepted' : 'rejected');
  });
});

const right = release().startsWith('6.18.') && existsSync('/sys/kernel/btf/vmlinux');
if (!right) process.stderr.write(`skipped, needs Linux 6.18 with BTF: this is ${release()}\n`);
const kernel = right ? await openKernel() : undefined;
const theirs: Btf | undefined = kernel ? readBtf(new Uint8Array(readFileSync('/sys/kernel/btf/vmlinux'))).btf : undefined;
afterAll(() => kernel?.close());

// The kernel asks for a callback's BTF, which a text has none of: those cases are ours alone.
const WITHOUT_CALLBACKS = ROWS.filter(({ text }) => !text.includes('@function'));

describe.skipIf(!kernel)('the kernel says the same of', () => {
  it.each(WITHOUT_CALLBACKS)('$name', async ({ section, text, message }) => {
    const object = load(section, text);
    const program = object.programs[0]!;
    const maps: number[] = [];
    for (const { type, keySize, valueSize, maxEntries, flags, name } of object.maps)
      maps.push(await kernel!.createMap({ type, keySize, valueSize, maxEntries, flags, name }));
    const insns = program.insns.map((insn) =>
      insn.opcode === 0x85 && insn.src === BPF_PSEUDO_KFUNC_CALL
        ? { ...insn, imm: theirs!.find(program.kfuncs[insn.imm]!, 'func')! }
        : insn,
    );
    const attach = program.attachType === undefined ? undefined : attachType(program.attachType);
    const answer = await kernel!.load({ type: program.type!, insns, maps, logLevel: 1, ...(attach ? { attachType: attach.id } : {}) });
    if (answer.fd >= 0) await kernel!.closeFd(answer.fd);
    for (const fd of maps) await kernel!.closeFd(fd);
    expect(answer.verdict === 'loaded' ? undefined : firstError(answer.log)).toBe(message);
  });
});

const TOO_HIGH = `r1 = r10\n r1 += -4\n r2 = 8\n call bpf_trace_printk\n ${END}`;
const NOT_THERE = `r1 = r10\n r2 = 8\n call bpf_trace_printk\n ${END}`;

describe('stack beyond the frame pointer', () => {
  it.each([
    ['reached by an access that begins below it', TOO_HIGH, 'EINVAL', 22],
    ['where the access begins', NOT_THERE, 'EACCES', 13],
  ] as const)('%s: %#', async (_, text, errno, number) => {
    const object = load('xdp', text);
    expect(verify(object.programs[0]!, object, { kernel: '6.18' }).errno).toBe(errno);
    if (!kernel) return;
    const answer = await kernel.load({ type: 'xdp', insns: object.programs[0]!.insns, logLevel: 1 });
    expect(answer.errno).toBe(number);
  });
});
