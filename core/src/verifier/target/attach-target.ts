// Whether the target kernel lets the program be attached where its section says, as far as that is decided when it is loaded
// (bpf_check_attach_target, check_attach_btf_id). What only attaching would show, as a kprobe's symbol, is a warning.

import { atLeast, type KernelVersion, lsmHook } from '#core/catalog';
import { type Btf, type BtfFuncProto, resolve, sizeOf } from '#core/btf';
import type { Rejection, VerifierEnvironment } from '../state/environment.ts';
import { isGplCompatible } from '../memory/check-btf-access.ts';
import { warn } from '../explain/warnings.ts';
import { nearestNames } from './nearest-names.ts';

/** A BTF that was cut down to structs says nothing of what can be attached to. */
const hasFunctions = (btf: Btf): boolean =>
  btf.find('bpf_map_lookup_elem', 'func') !== undefined || btf.find('vfs_open', 'func') !== undefined;

interface Target {
  /** As libbpf looks it up. */
  readonly name: string;
  readonly kind: 'func' | 'typedef';
}

/** What the section's target is called in the kernel's BTF; undefined for programs that are not attached by BTF. */
function targetOf(env: VerifierEnvironment): Target | undefined {
  const { programType, attachType, program } = env;
  const name = program.attachTarget;
  if (name === undefined) return undefined;
  if (programType === 'lsm') return { name: `bpf_lsm_${name}`, kind: 'func' };
  if (programType !== 'tracing') return undefined;
  if (attachType === 'BPF_TRACE_RAW_TP') return { name: `btf_trace_${name}`, kind: 'typedef' };
  if (attachType === 'BPF_TRACE_ITER') return { name: `bpf_iter_${name}`, kind: 'func' };
  return { name, kind: 'func' };
}

/** What libbpf refuses before the kernel sees the program: a target that the kernel's types do not have. */
export function checkTargetExists(env: VerifierEnvironment): void {
  const { kernelBtf } = env.options;
  const target = targetOf(env);
  if (!kernelBtf || !target || !hasFunctions(kernelBtf)) return;
  // A function of a module (`module:function`) has its types in the module's BTF, which is not here.
  if (target.name.includes(':')) return;
  if (kernelBtf.find(target.name, target.kind) !== undefined) return;
  env.insn = 0;
  const { attachTarget } = env.program;
  const near = nearestTargets(env, kernelBtf, target);
  throw env.reject('attach-target', 'ESRCH', `failed to find kernel BTF type ID of '${attachTarget}': -ESRCH`, {
    explanation: `Linux ${env.kernel} has no ${WHAT[env.attachType ?? ''] ?? 'function'} ${attachTarget} that a program could be attached to${near.length > 0 ? `; it has ${near.join(', ')}` : ''}.`,
    ...(near.length > 0 && { advice: `Write ${near[0]} in the section's name, if that is what you mean.` }),
  });
}

const WHAT: Readonly<Record<string, string>> = {
  BPF_LSM_MAC: 'LSM hook',
  BPF_LSM_CGROUP: 'LSM hook',
  BPF_TRACE_RAW_TP: 'tracepoint',
  BPF_TRACE_ITER: 'iterator',
};

/** Names of the same kind, as a section would have them. */
function nearestTargets(env: VerifierEnvironment, btf: Btf, { kind }: Target): string[] {
  const { attachType } = env;
  const prefix =
    env.programType === 'lsm'
      ? 'bpf_lsm_'
      : attachType === 'BPF_TRACE_RAW_TP'
        ? 'btf_trace_'
        : attachType === 'BPF_TRACE_ITER'
          ? 'bpf_iter_'
          : '';
  return nearestNames(btf, kind, prefix, env.program.attachTarget ?? '');
}

/** The kernel's own check, before any path is walked. */
export function checkAttachTarget(env: VerifierEnvironment): void {
  const { kernelBtf } = env.options;
  const { programType, attachType, program } = env;
  const target = targetOf(env);
  if (!kernelBtf || !target || kernelBtf.find(target.name, target.kind) === undefined) return;
  const refuse = (message: string | readonly string[], explanation: string, advice?: string, errno = 'EINVAL'): Rejection =>
    env.reject('attach-target', errno, message, { explanation, ...(advice === undefined ? {} : { advice }) });
  if (attachType === 'BPF_TRACE_RAW_TP') return;
  if (attachType === 'BPF_TRACE_ITER') {
    if (!isIterator(program.attachTarget!))
      throw refuse(
        'Invalid argument',
        `${program.attachTarget} is no iterator: the kernel has a function of that name, and nothing that could be iterated.`,
      );
    return;
  }
  const proto = prototypeOf(kernelBtf, target.name);
  if (proto) checkPrototype(env, kernelBtf, target.name, proto);
  if (programType === 'lsm') {
    checkHook(env, kernelBtf, target.name, refuse);
    return;
  }
  if (program.sleepable) {
    if (!maySleep(kernelBtf, target.name, env.kernel))
      throw refuse(
        `${target.name} is not sleepable`,
        `A program that is attached to ${target.name} may not sleep: ${whyNotInjectable(kernelBtf)}`,
        `Without the .s in the section's name the program may be attached there; it cannot call helpers that sleep then.`,
      );
  } else if (attachType === 'BPF_MODIFY_RETURN' && !isModifiable(kernelBtf, target.name, env.kernel)) {
    throw refuse(
      `${target.name}() is not modifiable`,
      `The return value of ${target.name} cannot be changed: ${whyNotInjectable(kernelBtf)}`,
      'Attach to a security_…() function, or watch without changing anything (fentry, fexit).',
    );
  }
  if (DENIED.has(target.name))
    throw refuse(
      atLeast(env.kernel, '6.15') ? `Attaching tracing programs to function '${target.name}' is rejected.` : 'Invalid argument',
      `The kernel itself calls ${target.name} to run a program attached to a function: a program there would never end.`,
    );
  if (
    (attachType === 'BPF_TRACE_FEXIT' || attachType === 'BPF_MODIFY_RETURN') &&
    NEVER_RETURN.has(target.name) &&
    atLeast(env.kernel, '6.12')
  )
    throw refuse(
      atLeast(env.kernel, '6.16')
        ? `Attaching fexit/fmod_ret to __noreturn function '${target.name}' is rejected.`
        : 'Attaching fexit/fmod_ret to __noreturn functions is rejected.',
      `${target.name} never returns.`,
      'Attach to its beginning (fentry).',
    );
}

function prototypeOf(btf: Btf, name: string): BtfFuncProto | undefined {
  const id = btf.find(name, 'func');
  const type = id === undefined ? undefined : btf.type(id);
  const proto = type?.kind === 'func' ? btf.type(type.type) : undefined;
  return proto?.kind === 'func_proto' ? proto : undefined;
}

const MAX_ARGUMENTS = 12;

/** A trampoline hands arguments over by the prototype (btf_distill_func_proto). */
function checkPrototype(env: VerifierEnvironment, btf: Btf, name: string, proto: BtfFuncProto): void {
  const refuse = (message: string, explanation: string): Rejection => env.reject('attach-target', 'EINVAL', message, { explanation });
  const { parameters } = proto;
  if (parameters.length > MAX_ARGUMENTS)
    throw refuse(
      `The function ${name} has ${parameters.length} arguments. Too many.`,
      `Functions with more than ${MAX_ARGUMENTS} arguments cannot be traced this way.`,
    );
  const returned = resolve(btf, proto.type);
  if (returned?.kind === 'struct' || returned?.kind === 'union' || returned?.kind === 'array')
    throw refuse(
      `The function ${name} return type ${returned.kind.toUpperCase()} is unsupported.`,
      `${name} returns a ${returned.kind}, which a trampoline cannot hand on.`,
    );
  for (const [index, { type: id, name: parameter }] of parameters.entries()) {
    if (id === 0 && index === parameters.length - 1 && parameter === '')
      throw refuse(`The function ${name} with variable args is unsupported.`, `${name} takes a variable number of arguments.`);
    const size = sizeOf(btf, id);
    const kind = resolve(btf, id)?.kind;
    const unsupported = kind === 'array' || kind === 'func' || kind === 'func_proto' || (kind === 'union' && !atLeast(env.kernel, '6.18'));
    if (unsupported || (size !== undefined && size > 16))
      throw refuse(
        `The function ${name} arg${index} type ${(kind ?? 'void').toUpperCase()} is unsupported.`,
        `Argument ${index + 1} of ${name} is passed in a way that a trampoline cannot hand on.`,
      );
  }
}

/** bpf_lsm_verify_prog, and which hooks a sleepable program or one of a cgroup may be attached to. */
function checkHook(
  env: VerifierEnvironment,
  btf: Btf,
  name: string,
  refuse: (message: string, explanation: string, advice?: string) => Rejection,
): void {
  const { program, kernel } = env;
  const hook = lsmHook(program.attachTarget!, kernel);
  const id = btf.find(name, 'func')!;
  if (program.sleepable && !hook.maySleep)
    throw refuse(
      `${name} is not sleepable`,
      `The hook ${program.attachTarget} is called where nothing may sleep.`,
      "Take the .s out of the section's name; the program cannot call helpers that sleep then.",
    );
  if (!isGplCompatible(env.object.license))
    throw refuse(
      'LSM programs must have a GPL compatible license',
      'Only programs under a licence that is compatible with the GPL may be attached to LSM hooks.',
    );
  if (!hook.exists)
    throw refuse(`attach_btf_id ${id} points to wrong type name ${name}`, `${name} is a function of the kernel's own, and no hook.`);
  if (hook.disabled)
    throw refuse(
      `attach_btf_id ${id} points to disabled hook ${name}`,
      `Programs may not be attached to the hook ${program.attachTarget} any more: what it returns is not what the kernel could take from a program.`,
      'Choose another hook.',
    );
}

/** Functions that are instrumented while a trampoline is entered or left (btf_id_deny). */
const DENIED = new Set([
  'migrate_disable',
  'migrate_enable',
  'rcu_read_unlock_strict',
  'preempt_count_add',
  'preempt_count_sub',
  '__rcu_read_lock',
  '__rcu_read_unlock',
]);
/** noreturn_deny, since 6.16 and in stable releases before. */
const NEVER_RETURN = new Set([
  '__ia32_sys_exit',
  '__ia32_sys_exit_group',
  '__kunit_abort',
  'kunit_try_catch_throw',
  '__module_put_and_kthread_exit',
  '__x64_sys_exit',
  '__x64_sys_exit_group',
  'do_exit',
  'do_group_exit',
  'kthread_complete_and_exit',
  'kthread_exit',
  'make_task_dead',
]);

/** Functions that the kernel itself marks for tests of fmod_ret, with the release since which it is done without error injection. */
const MODIFIABLE: Readonly<Record<string, { since: KernelVersion; sleepable?: true }>> = {
  bpf_modify_return_test: { since: '6.2' },
  bpf_modify_return_test2: { since: '6.6' },
  bpf_modify_return_test_tp: { since: '6.10' },
  bpf_fentry_test1: { since: '6.2', sleepable: true },
};

/** Kernels built with CONFIG_FUNCTION_ERROR_INJECTION have the function that asks the list. */
const hasErrorInjection = (btf: Btf): boolean => btf.find('within_error_injection_list', 'func') !== undefined;
/** Beside system calls, functions that are marked ALLOW_ERROR_INJECTION in a kernel with the usual configuration. */
const INJECTABLE = new Set([
  'should_failslab',
  'should_fail_alloc_page',
  'should_fail_bio',
  'should_fail_usercopy',
  '__filemap_add_folio',
  'sys_io_setup',
  'bpf_modify_return_test',
  'open_ctree',
  'io_ctl_init',
  'btrfs_check_leaf',
  'btrfs_check_node',
  'btrfs_cow_block',
  'btrfs_search_slot',
  'netpoll_send_udp',
  'update_socket_protocol',
]);
const NEVER_SLEEPABLE = new Set(['__filemap_add_folio', 'should_fail_alloc_page', 'should_failslab']);
const isInjectable = (btf: Btf, name: string): boolean =>
  hasErrorInjection(btf) && (/^__(x64|ia32|x32)_(compat_)?sys_/.test(name) || INJECTABLE.has(name));

const whyNotInjectable = (btf: Btf): string =>
  hasErrorInjection(btf)
    ? 'it is not among the functions that are marked for error injection.'
    : 'it would have to be marked for error injection, and the target kernel was built without (CONFIG_FUNCTION_ERROR_INJECTION).';

function maySleep(btf: Btf, name: string, kernel: KernelVersion): boolean {
  const marked = MODIFIABLE[name];
  return (isInjectable(btf, name) && !NEVER_SLEEPABLE.has(name)) || (marked?.sleepable === true && atLeast(kernel, marked.since));
}

function isModifiable(btf: Btf, name: string, kernel: KernelVersion): boolean {
  const marked = MODIFIABLE[name];
  return name.startsWith('security_') || isInjectable(btf, name) || (marked !== undefined && atLeast(kernel, marked.since));
}

/** Targets that register themselves as iterators (bpf_iter_reg_target); other functions of the kernel begin with bpf_iter_ too. */
const ITERATORS = new Set([
  'bpf_link',
  'bpf_map',
  'bpf_map_elem',
  'bpf_prog',
  'bpf_sk_storage_map',
  'cgroup',
  'dmabuf',
  'ipv6_route',
  'kmem_cache',
  'ksym',
  'netlink',
  'sockmap',
  'task',
  'task_file',
  'task_vma',
  'tcp',
  'udp',
  'unix',
]);
const isIterator = (name: string): boolean => ITERATORS.has(name);

/** Kprobes and tracepoints that attaching would not find. The kernel loads the program. */
export function warnOfUnknownProbe(env: VerifierEnvironment): void {
  const { kernelBtf, kernelSymbols } = env.options;
  const { programType, program, attachType } = env;
  const target = program.attachTarget;
  if (!kernelBtf || target === undefined || !hasFunctions(kernelBtf)) return;
  const section = program.section.replace(/^\?/, '');
  if (programType === 'kprobe' && /^k(ret)?probe\//.test(section) && attachType === undefined) {
    const name = /^[\w.]+/.exec(target)?.[0] ?? '';
    if (name === '' || kernelBtf.find(name, 'func') !== undefined || (kernelSymbols?.has(name) ?? false)) return;
    tell(name, 'function', nearestNames(kernelBtf, 'func', '', name));
    return;
  }
  const tracepoint = programType === 'tracepoint' ? target.split('/')[1] : programType.startsWith('raw_tracepoint') ? target : undefined;
  if (tracepoint === undefined || tracepoint === '') return;
  if (kernelBtf.find(`btf_trace_${tracepoint}`, 'typedef') !== undefined) return;
  // Each system call has two tracepoints, which are made from tables.
  const call = /^sys_(enter|exit)_(\w+)$/.exec(tracepoint);
  if (
    call &&
    (kernelBtf.find(`__x64_sys_${call[2]}`, 'func') !== undefined || kernelBtf.find(`__x64_sys_new${call[2]}`, 'func') !== undefined)
  )
    return;
  const near = call
    ? nearestNames(kernelBtf, 'func', '__x64_sys_', call[2]!).map((name) => `sys_${call[1]}_${name}`)
    : nearestNames(kernelBtf, 'typedef', 'btf_trace_', tracepoint);
  tell(tracepoint, 'tracepoint', near);

  function tell(name: string, what: string, near: readonly string[]): void {
    warn(env, 'unknown-probe', 0, {
      explanation: `The types of Linux ${env.kernel} know no ${what} ${name}${near.length > 0 ? `; they know ${near.join(', ')}` : ''}. The program loads, and attaching it fails where the kernel has none.`,
      ...(near.length > 0 && { advice: `Write ${near[0]} in the section's name, if that is what you mean.` }),
    });
  }
}
