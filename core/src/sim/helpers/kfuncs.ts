// kfuncs that are simulated, by name: iterators over numbers, tasks, CPU masks, allocated objects with lists and trees, exceptions.
// Kernel sources: kernel/bpf/helpers.c, bpf_iter.c, cpumask.c.

import { resolve } from '#core/btf';
import { kfuncByName as catalogRow } from '#core/catalog';
import { functionSlot, type HostOutcome } from '#core/vm';
import { errno } from '../errno.ts';
import { fromLittleEndian, littleEndian } from '../integers.ts';
import { DYNPTR_KFUNCS } from './dynptr.ts';
import type { Call, Helper, HelperResult, HelperTable } from './helper.ts';

const MAX_LOOPS = 8 * 1024 * 1024;
/** struct cpumask for up to 1024 CPUs. */
const CPUMASK_SIZE = 128;

// ---- open-coded iteration over numbers: cur and end, in the eight bytes of struct bpf_iter_num ----

const ITER_NUM: HelperTable = {
  bpf_iter_num_new: (call) => {
    const [start, end] = [call.s32(2), call.s32(3)];
    const refused = start > end ? errno('EINVAL') : end - start > MAX_LOOPS ? errno('E2BIG') : 0;
    const values = refused === 0 ? [start - 1, end] : [0, 0];
    call.write(
      call.arg(1),
      littleEndian((BigInt.asUintN(32, BigInt(values[1]!)) << 32n) | BigInt.asUintN(32, BigInt(values[0]!)), 8),
      'it',
    );
    return refused;
  },
  bpf_iter_num_next: (call) => {
    const state = fromLittleEndian(call.read(call.arg(1), 8, 'it'));
    const current = Number(BigInt.asIntN(32, state));
    const end = Number(BigInt.asIntN(32, state >> 32n));
    // Addition in 32 bits: a start of INT_MIN was stored as INT_MAX.
    const following = (current + 1) | 0;
    if (following >= end) {
      call.write(call.arg(1), new Uint8Array(8), 'it');
      return 0n;
    }
    call.write(call.arg(1), littleEndian(following, 4), 'it');
    return call.arg(1);
  },
  bpf_iter_num_destroy: (call) => {
    call.write(call.arg(1), new Uint8Array(8), 'it');
    return 0;
  },
};

// ---- objects ----

/** bpf_obj_new: memory of a struct of the program's own BTF, zeroed. */
function newObject(call: Call): HelperResult {
  const { btf } = call.run.current.object;
  const type = btf && resolve(btf, Number(call.arg(1)));
  if (type?.kind !== 'struct') return call.fault(`type ${call.arg(1)} of the object's BTF is no struct`);
  const { base } = call.kernel.memory.allocate({ kind: 'mem', name: `struct ${type.name}`, size: type.size });
  hold(call, base, 1);
  return base;
}

/** Adds to the count of holders; at 0 the object goes. */
function hold(call: Call, address: bigint, change: number): void {
  const count = (call.kernel.references.get(address) ?? 0) + change;
  const all = new Map(call.kernel.references);
  if (count > 0) all.set(address, count);
  else all.delete(address);
  call.kernel.references = all;
  const region = call.regionAt(address);
  if (count <= 0 && region) call.kernel.freeLater(region);
}

function dropObject(call: Call, address: bigint): number {
  if (!call.kernel.references.has(address))
    return call.fault(`0x${address.toString(16)} is no object that bpf_obj_new gave, or it was dropped before`);
  hold(call, address, -1);
  return 0;
}

const chain = (call: Call, head: bigint): readonly bigint[] => call.kernel.chains.get(head) ?? [];
const setChain = (call: Call, head: bigint, nodes: readonly bigint[]): void => {
  const all = new Map(call.kernel.chains);
  all.set(head, nodes);
  call.kernel.chains = all;
};
const isLinked = (call: Call, node: bigint): boolean => [...call.kernel.chains.values()].some((nodes) => nodes.includes(node));

/** A node that is in a list or tree already is dropped, and the program gets -EINVAL. */
function push(call: Call, front: boolean): number {
  const [head, node] = [call.arg(1), call.arg(2)];
  if (isLinked(call, node)) {
    dropObject(call, node - call.arg(4));
    return errno('EINVAL');
  }
  setChain(call, head, front ? [node, ...chain(call, head)] : [...chain(call, head), node]);
  return 0;
}

function pop(call: Call, front: boolean): bigint {
  const nodes = chain(call, call.arg(1));
  const node = nodes.at(front ? 0 : -1);
  if (node === undefined) return 0n;
  setChain(call, call.arg(1), front ? nodes.slice(1) : nodes.slice(0, -1));
  return node;
}

/** Kept sorted: the new node stands before the first one that it is less than. The kernel's tree asks `less` fewer times. */
function treeAdd(call: Call): HelperResult {
  const [root, node] = [call.arg(1), call.arg(2)];
  const slot = functionSlot(call.arg(3));
  if (slot === undefined) return call.fault('argument 3 is not a function of this program');
  if (isLinked(call, node)) {
    dropObject(call, node - call.arg(5));
    return errno('EINVAL');
  }
  const nodes = chain(call, root);
  const insert = (index: number): undefined => {
    setChain(call, root, [...nodes.slice(0, index), node, ...nodes.slice(index)]);
    return call.finish(0);
  };
  const next = (index: number): HostOutcome =>
    index >= nodes.length
      ? insert(index)
      : {
          kind: 'callback',
          entry: slot,
          args: [node, nodes[index]!],
          resume: (less) => ((less & 0xffn) === 0n ? next(index + 1) : insert(index)),
        };
  return { host: next(0) };
}

const OBJECTS: HelperTable = {
  bpf_obj_new_impl: newObject,
  bpf_obj_drop_impl: (call) => dropObject(call, call.arg(1)),
  bpf_refcount_acquire_impl: (call) => {
    if (!call.kernel.references.has(call.arg(1))) return 0n;
    hold(call, call.arg(1), 1);
    return call.arg(1);
  },
  bpf_list_push_front_impl: (call) => push(call, true),
  bpf_list_push_back_impl: (call) => push(call, false),
  bpf_list_pop_front: (call) => pop(call, true),
  bpf_list_pop_back: (call) => pop(call, false),
  bpf_list_front: (call) => chain(call, call.arg(1)).at(0) ?? 0n,
  bpf_list_back: (call) => chain(call, call.arg(1)).at(-1) ?? 0n,
  bpf_rbtree_add_impl: treeAdd,
  bpf_rbtree_first: (call) => chain(call, call.arg(1)).at(0) ?? 0n,
  bpf_rbtree_remove: (call) => {
    const nodes = chain(call, call.arg(1));
    if (!nodes.includes(call.arg(2))) return 0n;
    setChain(
      call,
      call.arg(1),
      nodes.filter((node) => node !== call.arg(2)),
    );
    return call.arg(2);
  },
};

// ---- CPU masks ----

const maskBits = (call: Call, argument: 1 | 2 | 3): bigint => fromLittleEndian(call.read(call.arg(argument), CPUMASK_SIZE, 'cpumask'));

function setMask(call: Call, argument: 1 | 2 | 3, bits: bigint): void {
  const region = call.regionAt(call.arg(argument)) ?? call.fault('the CPU mask is gone');
  call.kernel.memory.view(region).set(littleEndian(bits, CPUMASK_SIZE), Number(call.arg(argument) - region.base));
}

const newMask = (call: Call): bigint =>
  call.kernel.memory.allocate({ kind: 'kernel', name: 'struct bpf_cpumask', size: CPUMASK_SIZE + 8, writable: false }).base;

function lowestBit(bits: bigint, limit: number): number {
  for (let cpu = 0; cpu < limit; cpu++) if ((bits >> BigInt(cpu)) & 1n) return cpu;
  return limit;
}

const combine =
  (operation: (a: bigint, b: bigint) => bigint): Helper =>
  (call) => {
    const bits = operation(maskBits(call, 2), maskBits(call, 3));
    setMask(call, 1, bits);
    return bits === 0n ? 0 : 1;
  };

const cpuBit = (call: Call): bigint => (call.u32(1) < call.kernel.cpus ? 1n << BigInt(call.u32(1)) : 0n);

const CPUMASKS: HelperTable = {
  bpf_cpumask_create: newMask,
  bpf_cpumask_acquire: (call) => call.arg(1),
  bpf_cpumask_release: () => 0,
  bpf_cpumask_first: (call) => lowestBit(maskBits(call, 1), call.kernel.cpus),
  bpf_cpumask_set_cpu: (call) => {
    setMask(call, 2, maskBits(call, 2) | cpuBit(call));
    return 0;
  },
  bpf_cpumask_clear_cpu: (call) => {
    setMask(call, 2, maskBits(call, 2) & ~cpuBit(call));
    return 0;
  },
  bpf_cpumask_test_cpu: (call) => ((maskBits(call, 2) & cpuBit(call)) === 0n ? 0 : 1),
  bpf_cpumask_setall: (call) => {
    setMask(call, 1, (1n << BigInt(call.kernel.cpus)) - 1n);
    return 0;
  },
  bpf_cpumask_clear: (call) => {
    setMask(call, 1, 0n);
    return 0;
  },
  bpf_cpumask_and: combine((a, b) => a & b),
  bpf_cpumask_or: combine((a, b) => a | b),
  bpf_cpumask_xor: combine((a, b) => a ^ b),
  bpf_cpumask_empty: (call) => (maskBits(call, 1) === 0n ? 1 : 0),
  bpf_cpumask_equal: (call) => (maskBits(call, 1) === maskBits(call, 2) ? 1 : 0),
  bpf_cpumask_weight: (call) => [...maskBits(call, 1).toString(2)].filter((bit) => bit === '1').length,
};

// ---- the rest ----

const MISCELLANEOUS: HelperTable = {
  // RCU and preemption mean nothing where one program runs at a time.
  bpf_rcu_read_lock: () => 0,
  bpf_rcu_read_unlock: () => 0,
  bpf_preempt_disable: () => 0,
  bpf_preempt_enable: () => 0,
  bpf_rdonly_cast: (call) => call.arg(1),
  // Without an exception callback of the program's own, the cookie is what it returns.
  bpf_throw: (call) => ({ host: { kind: 'exit', value: call.arg(1) } }),
  bpf_task_from_pid: (call) => {
    const task = call.kernel.tasks.get(call.s32(1));
    return task && task.pid !== 0 ? call.kernel.tasks.addressOf(task) : 0n;
  },
  bpf_task_acquire: (call) => call.arg(1),
  bpf_task_release: () => 0,
};

export const KFUNCS: HelperTable = { ...MISCELLANEOUS, ...ITER_NUM, ...OBJECTS, ...CPUMASKS, ...DYNPTR_KFUNCS };

for (const name of Object.keys(KFUNCS)) if (!catalogRow(name)) throw new Error(`the catalog has no kfunc ${name}`);

export const kfuncByName = (name: string): Helper | undefined => (Object.hasOwn(KFUNCS, name) ? KFUNCS[name] : undefined);
