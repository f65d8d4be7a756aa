// Kernel functions that programs may call (kfuncs), by name, and who may call them. The rows are generated (kfunc-table.ts),
// who may call them is a running kernel's answer (kfunc-access-table.ts).

import { KFUNC_ACCESS, SLEEPABLE_KFUNCS } from './kfunc-access-table.ts';
import { KFUNCS as ROWS } from './kfunc-table.ts';
import { atLeast, type Kfunc, type KernelVersion } from './types.ts';

/** Flags that the documentation of newer kfuncs leaves out: what they return may be NULL. */
const MAY_RETURN_NULL = new Set([
  'bpf_list_front',
  'bpf_list_back',
  'bpf_rbtree_root',
  'bpf_rbtree_left',
  'bpf_rbtree_right',
  'bpf_get_kmem_cache',
]);

export const KFUNCS: readonly Kfunc[] = ROWS.map((row) => {
  const flags = new Set(row.flags ?? []);
  if (MAY_RETURN_NULL.has(row.name)) flags.add('KF_RET_NULL');
  if (SLEEPABLE_KFUNCS.includes(row.name)) flags.add('KF_SLEEPABLE');
  return { ...row, flags: [...flags] };
});

const byName = new Map(KFUNCS.map((kfunc) => [kfunc.name, kfunc]));

export function kfuncByName(name: string): Kfunc | undefined {
  return byName.get(name);
}

/** Program types that share their kfuncs with one that could be asked: the kernel files them under one hook. */
const SAME_HOOK: Readonly<Record<string, string>> = { tracing: 'tracepoint', lsm: 'tracepoint' };

/** Kfuncs that the kernel lets only some attach types of a program type call. */
const ATTACH_TYPES: Readonly<Record<string, readonly string[]>> = {
  bpf_session_cookie: ['BPF_TRACE_KPROBE_SESSION', 'BPF_TRACE_UPROBE_SESSION'],
  bpf_session_is_return: ['BPF_TRACE_KPROBE_SESSION', 'BPF_TRACE_UPROBE_SESSION'],
  bpf_sock_destroy: ['BPF_TRACE_ITER'],
};

/** Sets that were opened to sock_ops with the others of cgroups. */
const CGROUP_LATER = new Set(['generic_btf_ids', 'bpf_sock_addr_ids', 'bpf_kfunc_check_set_sock_addr']);
const OF_TRACING_ONLY = new Set(['bpf_key_put', 'bpf_lookup_system_key', 'bpf_lookup_user_key']);

/** Whether programs of this type may call the kfunc. A kfunc that the 6.18 at hand does not have goes by the documentation. */
export function kfuncAllowed(kfunc: Kfunc, programType: string, attachType?: string, kernel: KernelVersion = '6.18'): boolean {
  if (programType === 'ext') return true;
  if (!atLeast(kernel, '6.13')) {
    // Before 6.13 these were closed to types that have them now (asked of 6.12).
    if (programType === 'sock_ops' && kfunc.sets?.some((set) => CGROUP_LATER.has(set))) return false;
    if (OF_TRACING_ONLY.has(kfunc.name) && !['tracing', 'lsm', 'tracepoint', 'perf_event', 'struct_ops'].includes(programType))
      return false;
    if (kfunc.name === 'bpf_get_fsverity_digest' && programType !== 'lsm') return false;
  }
  const attachTypes = ATTACH_TYPES[kfunc.name];
  if (attachTypes)
    return (
      attachType !== undefined && attachTypes.includes(attachType) && (kfunc.programTypes?.some((one) => one === programType) ?? false)
    );
  const asked = KFUNC_ACCESS[kfunc.name];
  // What is documented for all of tracing, and was refused to the tracepoint that was asked, is for LSM programs only (a filter of the set).
  const documented = kfunc.programTypes ?? [];
  if (
    programType === 'lsm' &&
    asked &&
    ['lsm', 'tracepoint'].every((one) => documented.some((type) => type === one)) &&
    !asked.includes('tracepoint')
  )
    return true;
  const type = SAME_HOOK[programType] ?? programType;
  if (asked?.some((one) => one === type)) return true;
  // Every type's kfuncs are struct_ops' too; its own, such as congestion control's, are in the documentation only.
  if (asked && programType !== 'struct_ops') return false;
  return kfunc.programTypes?.some((one) => one === programType) ?? false;
}
